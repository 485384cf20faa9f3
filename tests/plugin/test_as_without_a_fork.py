"""One suite, run as plain pytest and on each kind of thread: what reaches pytest and its user is the same."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from ..forked_runs import run_python
from ..run_command import FEW_PLUGINS, run_command
from .conftest import ENDLESS
from .ordinary_suite import BODIES, CONFTEST, PYTEST_9

# The fixture `subtests` came with pytest 9.
EVERYTHING: Final = {"test_bodies.py": BODIES} | ({"test_pytest_9.py": PYTEST_9} if hasattr(pytest, "Subtests") else {})
FOR_EACH_MODE: Final = (
    "test_dicts or test_in_a_helper or lock or base_in_str or system_exit_text or stop_iteration or test_group or "
    "test_chained or test_skip or test_fail_without or test_warnings or test_writes or test_properties or test_caplog "
    "or test_capfd or test_both_fail or test_setup_fails or test_order or TestClass or TestCase or test_subtests"
)
"""What one thread or another might lose; the rest is shown on one kind of thread only, for a child takes its time."""


@dataclass(frozen=True)
class Seen:
    """What the hooks were told, and what was on the screen."""

    status: int
    told: list[dict[str, Any]]
    screen: list[str]
    errors: str
    junit: str

    @property
    def reports(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for one in self.told:
            if one["hook"] == "report":
                found.setdefault(one["test"].partition("::")[2], []).append(one)
        return found

    def others(self, hook: str) -> list[dict[str, Any]]:
        return [one for one in self.told if one["hook"] == hook]


def run(folder: Path, mode: str, *args: str, files: dict[str, str]) -> Seen:
    """Run pytest in `mode`, or, where that is nothing, without the plugin at all."""
    for name, source in {"conftest.py": CONFTEST, **files}.items():
        (folder / name).write_text(textwrap.dedent(source), encoding="utf-8")
    seen, junit = folder / "seen", folder / "junit.xml"
    plain = () if mode else ("-p", "no:foreign_thread")
    command = run_command(*plain, f"--basetemp={folder / 'tmp'}", f"--junitxml={junit}", *args)
    environment = {**os.environ, **FEW_PLUGINS, "PY_COLORS": "0", "COLUMNS": "120", "SEEN": str(seen), "MODE": mode}
    if not mode:
        del environment["PYTEST_ADDOPTS"]
    done = run_python(command, folder, environment, 5 * ENDLESS)
    told = [_normal(json.loads(line)) for line in seen.read_text(encoding="utf-8").splitlines()]
    written = junit.read_text(encoding="utf-8") if junit.exists() else ""
    return Seen(done.returncode, told, _screen(done.stdout), done.stderr, _junit(written))


_DIFFERENT: Final = (
    (re.compile(r"\b\d+\.\d+s\b( \(\d+:\d+:\d+\))?"), "N.NNs"),
    (re.compile(r"0x[0-9a-f]{6,}"), "0x..."),
    # How deep the stack was, and what stands between pytest's hooks and the fixture.
    (re.compile(r"\bn = \d{3}\b"), "n = NNN"),
    (re.compile(r"out of \d+\."), "out of NNN."),
    (re.compile(r"(test_bodies\.py:\d+: in down\n +return down\(n \+ 1\)\n)+"), "in down\n"),
    (re.compile(r'(?m)^ *\| +File "[^"]*/(pluggy|_pytest|pytest_foreignthread)/.*\n( *\|     .*\n)*'), ""),
    (re.compile(r"\b(_foreign_thread_(?:mode|child|jvm)|foreign_thread|foreign_thread_bridge|jvm), "), ""),
    # pytest writes the lines of unittest's subtests into the output that it captures.
    (re.compile(r"(?m)^(test_bodies.py::TestCase::test_subtests)? ?(SUBPASSED|SUBFAILED)\[words\].*%\]\n?"), ""),
)


def _normal(value: Any) -> Any:
    if isinstance(value, list):
        # The marker.
        return [_normal(one) for one in value if one != "foreign_thread"]
    if isinstance(value, dict):
        return {name: _normal(one) for name, one in value.items()}
    if isinstance(value, str):
        for pattern, normal in _DIFFERENT:
            value = pattern.sub(normal, value)
    return value


def _screen(output: str) -> list[str]:
    """Return the lines after the heading, which tells of plugins and the JVM."""
    _, found, body = output.partition("collected ")
    lines = _normal(body if found else output).splitlines()
    unlike = ("foreign-thread: JVM", "foreign-thread: no JVM needed", "test_bodies.py::TestCase::test_subtests")
    return [line.strip("= ") for line in lines if line and not line.startswith(unlike)]


def _junit(text: str) -> str:
    return re.sub(r' (time|timestamp|hostname)="[^"]*"', "", str(_normal(text)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("suite")


@pytest.fixture(scope="module")
def plain(folder: Path) -> Seen:
    return run(folder, "", "-vv", "-rA", files=EVERYTHING)


# One child for all takes a fifth of the time; `test_options` has one for each test.
@pytest.fixture(scope="module", params=["session", pytest.param("test", marks=pytest.mark.thorough)])
def foreign(request: pytest.FixtureRequest, folder: Path, plain: Seen) -> Seen:
    return run(folder, "new", "-vv", "-rA", f"--foreign-thread-isolation={request.param}", files=EVERYTHING)


def test_suite_is_what_it_should_be(plain: Seen) -> None:
    names = plain.reports
    assert plain.status == 1
    assert len(names) > 110
    assert {report["outcome"] for reports in names.values() for report in reports} == {"passed", "failed", "skipped"}


def test_reports(plain: Seen, foreign: Seen) -> None:
    """Outcome, text with introspection and source, captured output and logs, properties, keywords, xfail's reason."""
    assert list(foreign.reports) == list(plain.reports)
    assert not _differences(plain, foreign)


def _differences(plain: Seen, foreign: Seen) -> dict[str, Any]:
    return {name: (plain.reports[name], told) for name, told in foreign.reports.items() if told != plain.reports[name]}


def test_warnings(plain: Seen, foreign: Seen) -> None:
    assert foreign.others("warning") == plain.others("warning")
    assert {"UserWarning", "OwnWarning", "Local", "Inner", "DeprecationWarning"} <= {
        warning["category"] for warning in plain.others("warning")
    }


WITHOUT_CAPTURE: Final = "SEEN BY THE USER"


def test_screen(request: pytest.FixtureRequest, plain: Seen, foreign: Seen) -> None:
    assert len(plain.screen) > 1000
    if request.node.callspec.params["foreign"] == "session":
        # A shared child begins its next test before the report of a test that passed is on the screen.
        counts, texts = zip(*map(_without_words_of_the_child, (plain.screen, foreign.screen)), strict=True)
        assert counts == (1, 1)
        assert texts[0] == texts[1]
    else:
        # With a child for each test the run says at its end what the children cost.
        assert [line for line in foreign.screen if " had a child each, and waited " not in line] == plain.screen


def _without_words_of_the_child(screen: list[str]) -> tuple[int, str]:
    """Return how often the words are there, and the rest as one line: the words may stand in a line, or be one."""
    text = "".join(screen)
    return text.count(WITHOUT_CAPTURE), text.replace(WITHOUT_CAPTURE, "")


def test_junit(plain: Seen, foreign: Seen) -> None:
    assert plain.junit
    assert foreign.junit == plain.junit


def test_exit_status(plain: Seen, foreign: Seen) -> None:
    assert foreign.others("end") == plain.others("end")
    assert (foreign.status, foreign.errors) == (plain.status, plain.errors)


@pytest.mark.parametrize("isolation", ["session", "test"])
@pytest.mark.parametrize("mode", ["main", "same", "pool"])
# `foreign` has a Java thread; the other kinds of it have the same way to pytest.
@pytest.mark.by_default("main-session")
def test_other_threads(mode: str, isolation: str, plain: Seen, folder: Path) -> None:
    arguments = ("-vv", "-rA", "-k", FOR_EACH_MODE, f"--foreign-thread-isolation={isolation}")
    seen = run(folder, mode, *arguments, files=EVERYTHING)
    assert len(seen.reports) > 35
    assert not _differences(plain, seen)
    assert seen.errors == ""


SHORT: Final = """
    import logging, sys, warnings
    import pytest

    @pytest.fixture
    def shared():
        print("shared setup")
        yield 1
        print("shared teardown")

    def test_passes(shared, tmp_path):
        print("written")
        logging.getLogger("app").info("logged")

    def test_warns():
        warnings.warn("a warning")

    @pytest.mark.xfail(reason="known")
    def test_xfails():
        assert 0

    def test_fails(shared, record_property):
        local = {"a": shared}
        record_property("a", "b")
        print("written", file=sys.stderr)
        assert local == {"a": 2}

    def test_after():
        raise SystemExit(3)
"""


LIVE: Final = ("-s", "--setup", "--log-cli", "no:capture")
"""With these, what a test writes comes between its reports, which the pytest process has when the test is over."""
WRITTEN_LIVE: Final = ("shared setup", "shared teardown", "written", "INFO ", "F shared", "test_passes (fixtures used")


@pytest.mark.parametrize("mode", ["python", "new"])
@pytest.mark.parametrize(
    "args",
    [
        "-v -x",
        "-v --maxfail=1 --showlocals --tb=short",
        "-q -W error --tb=line",
        "-v -s -rA",
        "-v --capture=sys",
        "-v --capture=tee-sys",
        "--runxfail",
        "-v --log-cli-level=INFO",
        "-v --setup-show",
        "-v --setup-only",
        "-v -p no:warnings -p no:logging -p no:capture",
        "-p no:terminal",
        "-v -p no:skipping -p no:tmpdir -k not(passes)",
        "-v --full-trace -k passes",
    ],
)
# The others vary what these have: captures, texts of failures, and plugins that are not there. The way of a report to
# pytest is that of `foreign`, which has a Java thread.
@pytest.mark.by_default(
    "-q -W error --tb=line-python",
    "-v -s -rA-python",
    "-v -p no:warnings -p no:logging -p no:capture-python",
    "-p no:terminal-python",
)
def test_options(args: str, mode: str, tmp_path: Path) -> None:
    plain, seen = (run(tmp_path, each, *args.split(), files={"test_it.py": SHORT}) for each in ("", mode))
    assert plain.told
    assert plain.screen or "-p no:terminal" in args
    if any(option in args for option in LIVE):
        counted = [{word: sum(word in line for line in each.screen) for word in WRITTEN_LIVE} for each in (plain, seen)]
        assert counted[0] == counted[1]
        plain, seen = (dataclasses.replace(each, screen=[]) for each in (plain, seen))
    assert seen == plain


def test_last_failed(tmp_path: Path) -> None:
    for mode, args in (("python", ()), ("", ("--lf",)), ("python", ("--lf",))):
        seen = run(tmp_path, mode, *args, files={"test_it.py": SHORT})
    assert list(seen.reports) == ["test_fails", "test_after"]


LEAVING: Final = """
    import os, pytest

    @pytest.fixture
    def around():
        WHEN = "setup"
        if WHEN == LEAVES:
            DEED
        yield
        with open("torn_down", "a") as file:
            file.write("once ")

    def test_before():
        pass

    def test_leaves(around):
        WHEN = "call"
        if WHEN == LEAVES:
            DEED

    def test_never():
        raise AssertionError("never run")
"""


@pytest.mark.parametrize(
    ("deed", "when", "mode"),
    [
        *(("raise KeyboardInterrupt", "call", mode) for mode in ("main", "same", "new", "pool")),
        ("raise KeyboardInterrupt", "setup", "new"),
        ("raise KeyboardInterrupt", "setup", "python"),
        ("pytest.exit('enough', returncode=7)", "call", "pool"),
        ("pytest.exit('enough')", "call", "same"),
        ("pytest.exit('enough')", "setup", "new"),
    ],
)
# Each deed, phase and kind of thread once; the others combine them.
@pytest.mark.by_default(
    "raise KeyboardInterrupt-call-main",
    "raise KeyboardInterrupt-setup-python",
    "pytest.exit('enough', returncode=7)-call-pool",
)
def test_leaving(deed: str, when: str, mode: str, tmp_path: Path) -> None:
    """The run ends as it does without a fork: what came before is told, nothing comes after, fixtures are torn down."""
    files = {"test_it.py": LEAVING.replace("DEED", deed).replace("LEAVES", repr(when))}
    plain, seen = (run(tmp_path, each, "-v", files=files) for each in ("", mode))
    assert seen.status == plain.status == (7 if "7" in deed else 2)
    assert _told(seen) == _told(plain)
    word = "KeyboardInterrupt" if "Keyboard" in deed else "Exit: enough"
    assert [word in line for line in seen.screen if "!!!!" in line] == [True]
    assert not any("test_never" in line for line in seen.screen[3:] if "PASSED" in line or "FAILED" in line)
    written = tmp_path / "torn_down"
    assert (written.read_text() if written.exists() else "") == ("once once " if when == "call" else "")


def _told(seen: Seen) -> list[tuple[str, str, str]]:
    """What the reports say, but for the teardown of the test that left: plain pytest does it at the run's end."""
    told = [(one["test"], one["when"], one["outcome"]) for one in seen.others("report")]
    return [one for one in told if one[:2] != ("test_it.py::test_leaves", "teardown")]


def test_place_of_an_interrupt_is_reported(tmp_path: Path) -> None:
    files = {"test_it.py": "def test_leaves():\n    raise KeyboardInterrupt\n"}
    assert any(f"{tmp_path / 'test_it.py'}:2" in line for line in run(tmp_path, "new", files=files).screen)
