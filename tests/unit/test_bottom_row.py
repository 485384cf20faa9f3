"""The bottom row of a terminal, as an emulator shows it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from pytest_foreignthread.terminal.bottom_row import LEAST_COLUMNS, LEAST_ROWS, BottomRow

from ..terminals import Terminal


class Written:
    """A terminal on which a program writes beside its bottom row."""

    def __init__(self) -> None:
        self.terminal = Terminal(40, 12)
        self.row = BottomRow(self.terminal.slave)

    def show(self, text: str) -> None:
        self.row.show(lambda width: text[:width])
        self.terminal.settle()

    def close(self) -> None:
        self.row.close()
        self.terminal.settle()

    def print(self, text: str) -> None:
        os.write(self.terminal.slave, text.encode())
        self.terminal.settle()

    @property
    def cursor(self) -> tuple[int, int]:
        return self.terminal.screen.cursor.y, self.terminal.screen.cursor.x


@pytest.fixture
def written() -> Iterator[Written]:
    found = Written()
    yield found
    found.terminal.close()


@pytest.mark.parametrize("lines", [0, 3, 11, 30])
def test_what_is_written_scrolls_above_it(written: Written, lines: int) -> None:
    before, after = [f"before {n}" for n in range(lines)], [f"after {n}" for n in range(20)]
    written.print("".join(f"{line}\n" for line in before) + "test_it.py .")
    written.show("1/9")
    written.print(".F\n")
    assert "test_it.py ..F" in written.terminal.lines
    for number, line in enumerate(after):
        written.print(f"{line}\n")
        written.show(f"{number}/99")
    assert written.terminal.lines == [*after[-10:], "", "19/99"]


def test_the_cursor_stays_where_it_was(written: Written) -> None:
    written.print("one\ntwo")
    before = written.cursor
    written.show("1/9")
    assert (written.cursor, written.terminal.bottom) == (before, "1/9")
    written.show("2/9")
    assert (written.cursor, written.terminal.bottom) == (before, "2/9")
    written.close()
    assert (written.cursor, written.terminal.lines) == (before, ["one", "two", *[""] * 10])


def test_the_whole_screen_scrolls_again(written: Written) -> None:
    written.show("1/9")
    assert not written.terminal.whole_screen_scrolls()
    written.close()
    assert written.terminal.whole_screen_scrolls()
    lines = [f"line {n}" for n in range(20)]
    written.print("\n".join(lines))
    assert written.terminal.lines == lines[-12:]


def test_nothing_is_written_where_nothing_is_shown(written: Written) -> None:
    written.close()
    written.show("1/9")
    written.close()
    size = len(written.terminal.written)
    written.close()
    assert written.terminal.written.startswith(b"\x1b7")
    assert len(written.terminal.written) == size


def test_all_columns_but_one_are_used(written: Written) -> None:
    written.show("x" * 100)
    assert written.terminal.bottom == "x" * 39
    written.show("y")
    assert written.terminal.bottom == "y"


def test_colours_end_with_the_row(written: Written) -> None:
    written.print("\x1b[31mred ")
    written.show("\x1b[42m1/9")
    written.print("still red")
    screen = written.terminal.screen
    assert {screen.buffer[0][column].fg for column in range(13)} == {"red"}
    assert screen.buffer[0][12].bg == "default"
    assert (screen.buffer[11][0].fg, screen.buffer[11][0].bg) == ("default", "green")
    assert screen.buffer[11][20].bg == "default"


@pytest.mark.parametrize("size", [(30, 12), (60, 12), (40, 10), (40, 20)], ids=str)
def test_another_size_is_seen_at_the_next_drawing(written: Written, size: tuple[int, int]) -> None:
    written.print("one\ntwo\n")
    written.show("1/9")
    written.terminal.resize(*size)
    written.show("2/9")
    assert "1/9" not in written.terminal.lines
    written.print("".join(f"line {n}\n" for n in range(40)))
    assert written.terminal.bottom == "2/9"
    assert written.terminal.lines[0].startswith("line ")
    assert written.terminal.lines[-3] == "line 39"
    written.close()
    assert written.terminal.whole_screen_scrolls()


@pytest.mark.parametrize("size", [(40, LEAST_ROWS - 1), (LEAST_COLUMNS - 1, 12)], ids=["low", "narrow"])
def test_a_small_screen_is_left_alone(written: Written, size: tuple[int, int]) -> None:
    written.terminal.resize(*size)
    written.show("1/9")
    assert written.terminal.written == b""
    written.terminal.resize(40, 12)
    written.show("1/9")
    written.terminal.resize(*size)
    written.show("2/9")
    assert written.terminal.whole_screen_scrolls()
    assert "2/9" not in "".join(written.terminal.lines)


def test_a_terminal_that_is_gone(written: Written) -> None:
    written.show("1/9")
    os.close(written.terminal.master)
    written.row.show(lambda width: "2/9")
    written.row.close()


def test_no_terminal(tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "file")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    row = BottomRow(descriptor)
    row.show(lambda width: "1/9")
    row.close()
    os.close(descriptor)
    assert os.path.getsize(path) == 0


def test_a_forked_child_leaves_it_alone(written: Written) -> None:
    written.show("1/9")
    if (pid := os.fork()) == 0:
        written.row.show(lambda width: "2/9")
        written.row.close()
        os._exit(0)
    os.waitpid(pid, 0)
    written.terminal.settle()
    assert written.terminal.bottom == "1/9"
    assert not written.terminal.whole_screen_scrolls()


def test_what_an_encoding_does_not_have(written: Written) -> None:
    BottomRow(written.terminal.slave, "ascii").show(lambda width: "a…b")
    written.terminal.settle()
    assert written.terminal.bottom == "a?b"
