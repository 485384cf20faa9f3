"""pytest-instafail and pytest-sugar put a terminal of their own in the place of pytest's."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from ..plugin.conftest import SuiteRun
from ..terminals import ENDLESS, Terminal
from .conftest import RunWith
from .environment import PYTHON
from .suites import OUTCOMES, WORDS

TITLES: Final = ("SEGFAULTS", "HANGS", "NULL RESULTS", "CRASHES", "FAILURES", "ERRORS")
TEXTS: Final = (
    'segfault on Java thread "foreign-1" in call',
    'hang on Java thread "foreign-1" in call',
    "\nE       SystemError: <built-in function f> returned NULL without setting an exception",
    'crash on Java thread "foreign-1" in call: exited with status 3',
    'crash on Python thread "MainThread" in teardown: exited with status 3',
)
INSTAFAIL: Final = ("instafail", "--instafail")
SUGAR: Final = ("sugar", "--force-sugar")


@pytest.mark.parametrize("args", [(), ("-p", "xdist", "-n2"), ("-v",)], ids=["alone", "xdist", "verbose"])
@pytest.mark.parametrize("plugin", [INSTAFAIL, SUGAR], ids=["instafail", "sugar"])
# The others show the same texts in another order.
@pytest.mark.by_default("instafail-verbose", "sugar-alone")
def test_each_failure_is_shown_once_and_has_its_word(
    run_with: RunWith, plugin: tuple[str, str], args: tuple[str, ...]
) -> None:
    name, option = plugin
    run = run_with(name, OUTCOMES, option, *args)
    assert run.outcomes == WORDS, run.output
    assert "INTERNALERROR" not in run.output
    # Each was shown as it came.
    assert [title for title in TITLES if f" {title} =" in run.output] == []
    assert [run.output.count(text) - _short(run.output).count(text) for text in TEXTS] == [1] * len(TEXTS)
    words = re.findall(r"^([A-Z_]+) test_it.py::(\w+)", _short(run.output), re.MULTILINE)
    assert sorted(words) == sorted((word.upper(), test) for test, word in WORDS.items() if word in FAILING)
    assert run.status == 1
    assert_counts(name, run)


FAILING: Final = {"failed", "segfault", "hang", "null_result", "crash"}


def _short(output: str) -> str:
    return output.partition("short test summary info")[2]


def assert_counts(name: str, run: SuiteRun) -> None:
    """pytest-sugar has no place for words that are not pytest's: each is a failure there."""
    if name == "instafail":
        counted = "1 failed, 3 passed, 2 skipped, 1 xfailed, 1 segfault, 1 hang, 1 null_result, 2 crash"
        # pytest counts its own words first, and others in the order in which workers bring them.
        assert sorted(run.closing_line.split(", ")) == sorted(counted.split(", "))
    else:
        results = run.output.partition("\nResults (")[2]
        counts = re.findall(r"^ +(\d+ \w+)$", results, re.MULTILINE)
        assert counts == ["3 passed", "5 failed", "1 error", "1 xfailed", "2 skipped"]


@pytest.mark.parametrize("plugin", [INSTAFAIL, SUGAR], ids=["instafail", "sugar"])
# pytest-instafail has no summary of its own that the grid could disturb.
@pytest.mark.by_default("sugar")
def test_the_grid(run_with: RunWith, plugin: tuple[str, str]) -> None:
    name, option = plugin
    run = run_with(name, OUTCOMES, option, "--foreign-thread-modes=new,pool")
    assert "INTERNALERROR" not in run.output
    assert re.search(r"^  test_segfault +SEGV +SEGV$", run.output, re.MULTILINE), run.output
    assert re.search(r"^  test_hang +HANG +HANG$", run.output, re.MULTILINE)
    assert re.search(r"^SEGFAULT test_it.py::test_segfault\[pool\]", _short(run.output), re.MULTILINE)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal(100, 40)
    yield made
    made.close()


SMALL: Final = """
    import os
    import pytest

    pytestmark = pytest.mark.foreign_thread

    @pytest.mark.parametrize("number", range(3))
    def test_number(number):
        assert number != 1

    def test_waits(request):
        with (request.path.parent / "go").open() as go:
            go.readline()

    def test_dies():
        os._exit(3)
"""
LEFT_OUT: Final = {"CI", "BUILD_NUMBER", "NO_COLOR", "FORCE_COLOR", "PY_COLORS", "COLUMNS", "LINES", "PYTEST_ADDOPTS"}


@pytest.mark.parametrize("plugin", [INSTAFAIL, SUGAR], ids=["instafail", "sugar"])
def test_the_live_line_below(terminal: Terminal, tmp_path: Path, plugin: tuple[str, str]) -> None:
    """Below what the other one draws and redraws; gone at the end, with all of the other's lines there."""
    (tmp_path / "test_it.py").write_text(textwrap.dedent(SMALL), encoding="utf-8")
    os.mkfifo(tmp_path / "go")
    event = os.open(tmp_path / "go", os.O_RDWR)
    environment = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    environment |= {"TERM": "xterm", "LANG": "C.UTF-8", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    plugins = ["-p", "foreign_thread", "-p", plugin[0], plugin[1]]
    command = [str(PYTHON), "-m", "pytest", *plugins, "--foreign-thread-modes=new", "--foreign-thread-timeout=1000"]
    process = terminal.start([*command, "-p", "no:cacheprovider", "--tb=line"], tmp_path, environment)
    try:
        terminal.until(lambda: "3/5  passed 2  failed 1 | test_it.py::test_waits[new]" in terminal.last_line)
        drawn = [line for line in terminal.lines if line.lstrip().startswith("test_it.py")]
        assert drawn
        assert sum("3/5  passed" in line for line in terminal.lines) == 1
        os.write(event, b"go\n")
        assert terminal.end_of(process) == pytest.ExitCode.TESTS_FAILED
    finally:
        process.kill()
        process.wait(ENDLESS)
        os.close(event)
    assert not any("/5  passed" in line for line in terminal.lines)
    shown = "\n".join(terminal.lines)
    assert re.search(r"^  test_dies +CRASH$", shown, re.MULTILINE), shown
    assert re.search(r"^CRASH test_it.py::test_dies\[new\]", shown, re.MULTILINE)
    assert re.search("1 crash in " if plugin[0] == "instafail" else r"^ +3 passed\n +2 failed", shown, re.MULTILINE)
