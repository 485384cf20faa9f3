"""No error of the live line ends a run, whatever stands for the terminal."""

from __future__ import annotations

import io
import os
import sys
from types import SimpleNamespace
from typing import Any, Final

import pytest

from pytest_foreignthread.terminal import live_line
from pytest_foreignthread.terminal.live_line import LiveLine


class _Writer:
    width_of_current_line = 0

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self.text = ""

    def flush(self) -> None:
        if self._error is not None:
            raise self._error

    def write_raw(self, text: str) -> None:
        self.text += text

    def markup(self, text: str, **_: bool) -> str:
        return text


class _Stdout(io.StringIO):
    encoding = "utf-8"

    def fileno(self) -> int:
        return 1


def _line(writer: _Writer) -> LiveLine:
    config: Any = SimpleNamespace(get_terminal_writer=lambda: writer, getoption=lambda _, default: default)
    return LiveLine(config, [])


def _file_that_is_closed() -> io.TextIOWrapper:
    stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - it is closed in the next line
    stream.close()
    return stream


@pytest.mark.parametrize("width", [0, 1, 80])
@pytest.mark.parametrize(("columns", "rows"), [(0, 0), (0, 24), (80, 0), (1, 24), (80, 24)])
def test_a_terminal_of_any_size(columns: int, rows: int, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((columns, rows)))
    monkeypatch.setattr(os, "write", lambda _, data: written.append(data))
    monkeypatch.setattr(sys, "stdout", _Stdout())
    writer = _Writer()
    writer.width_of_current_line = width
    line = _line(writer)
    line.draw()
    line.hide()
    assert line._error == ""
    assert bool(written) == ((columns, rows) == (80, 24) and width != 80)


STREAMS: Final = {"none": lambda: None, "closed": _file_that_is_closed, "no descriptor": io.StringIO}


@pytest.mark.parametrize("stdout", STREAMS.values(), ids=STREAMS)
@pytest.mark.parametrize("drawn", [False, True], ids=["draw", "remove"])
def test_a_stdout_that_is_no_terminal_any_more(stdout: Any, drawn: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", stdout())
    line = _line(_Writer())
    line._drawn = drawn
    line.draw()
    line.hide()
    assert line._error == ""


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), ValueError("I/O operation on closed file")])
def test_a_writer_that_cannot_flush(error: Exception) -> None:
    line = _line(_Writer(error))
    line.draw()
    assert line._error == ""


def test_an_error_of_this_plugin_is_reported_once_as_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((80, 24)))
    monkeypatch.setattr(sys, "stdout", _Stdout())
    # A call with arguments that it does not take.
    monkeypatch.setattr(live_line, "live_line", lambda: None)
    line, reported = _line(_Writer()), list[str]()
    line.draw()
    line.draw()
    line.pytest_terminal_summary(SimpleNamespace(write_line=reported.append))
    (text,) = reported
    assert "internal error of pytest-foreignthread" in text
    assert "TypeError" in text
