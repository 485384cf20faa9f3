"""Runs of pytest on a suite of their own, in a process of their own."""

from __future__ import annotations

import fcntl
import json
import os
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import pytest

from ..forked_runs import OWN_INTERPRETERS, close_servers, run_python
from ..run_command import FEW_PLUGINS, run_command

ENDLESS = 300.0
"""Seconds after which a run that never ends is killed; never a measure of speed."""
WITH_NATIVE_STACKS: Final = "--foreign-thread-native=auto"
"""What undoes `without_native_stacks` for a run."""


@dataclass(frozen=True)
class SuiteRun:
    """What a run of pytest left: its exit status, its output, and the machine-readable report by node id."""

    status: int
    output: str
    errors: str
    folder: Path
    document: dict[str, Any]

    @property
    def tests(self) -> dict[str, dict[str, Any]]:
        return {entry["nodeid"].partition("::")[2]: entry for entry in self.document.get("tests", [])}

    @property
    def outcomes(self) -> dict[str, str]:
        return {name: entry["outcome"] for name, entry in self.tests.items()}

    @property
    def closing_line(self) -> str:
        """The last line, without its frame and time: `1 passed, 2 crash`."""
        last = self.output.strip().splitlines()[-1]
        return re.sub(r"^=* ?| in [\d.]+s( \([\d:]+\))? ?=*$", "", last)


def functions(entry: dict[str, Any], *languages: str, current: bool = False) -> list[str]:
    """Functions of the frames in these languages, most recent call first, of the thread it is about or of all."""
    threads = [thread for thread in entry["threads"] if thread["current"] or not current]
    frames = [frame for thread in threads for stack in thread["stacks"] for frame in stack]
    return [frame["function"] for frame in frames if frame["language"] in languages]


def current_thread(entry: dict[str, Any]) -> str | None:
    """Name of the thread that an entry is about."""
    names = [thread["name"] for thread in entry["threads"] if thread["current"]]
    return names[0] if names else None


class RunSuite(Protocol):
    def __call__(self, files: str | dict[str, str], *args: str, env: dict[str, str] | None = None) -> SuiteRun: ...


def run_suite_in(
    folder: Path,
    files: str | dict[str, str],
    *args: str,
    env: dict[str, str] | None = None,
    python: str | Path = sys.executable,
) -> SuiteRun:
    """Write the files (text alone is `test_it.py`) and run pytest on them, as a user does, but with few plugins.

    Which plugins load is the caller's to say where `env` has a variable of FEW_PLUGINS.
    """
    named = {"test_it.py": files} if isinstance(files, str) else files
    for name, source in named.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(textwrap.dedent(source), encoding="utf-8")
    report = folder / "report.json"
    options = [f"--foreign-thread-report={report}", *args]
    own_choice = any(name in (env or {}) for name in FEW_PLUGINS)
    command = [str(python), "-m", "pytest", *options] if own_choice else run_command(*options, python=python)
    # Plugins take a run for that of an xdist worker by its environment: these tests may be run by one.
    asked = {**os.environ, **FEW_PLUGINS, "PY_COLORS": "0", **(env or {})}
    environment = {name: value for name, value in asked.items() if not name.startswith("PYTEST_XDIST_")}
    done = run_python(command, folder, environment, ENDLESS)
    document = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
    return SuiteRun(done.returncode, done.stdout, done.stderr, folder, document)


# Most runs below end before an archive could be made, and each of their JVMs would start slowly.
_UNTIL_THE_ARCHIVE_IS_THERE: Final = """
    import os, pathlib, time
    import pytest

    @pytest.mark.foreign_thread
    def test_starts(): pass

    def test_waits():
        cache = pathlib.Path(os.environ["XDG_CACHE_HOME"], "pytest-foreignthread")
        while not list(cache.glob("*[!w]/about.json")):
            time.sleep(0.01)
"""


@pytest.fixture(scope="session", autouse=True)
def class_archive(cache_home: Path) -> None:
    """Made once, by the first worker that comes here, for all runs of these tests."""
    folder = cache_home / "first_run"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "report.json").exists():
            made = run_suite_in(folder, _UNTIL_THE_ARCHIVE_IS_THERE, "-p", "no:cacheprovider")
            assert made.closing_line == "2 passed", made.output


@pytest.fixture(scope="package", autouse=True)
def no_server_is_left() -> Iterator[None]:
    """Other packages' tests count the processes below theirs."""
    yield
    close_servers()


@pytest.fixture(scope="module")
def own_interpreters() -> Iterator[None]:
    """No run of pytest is a fork of a server, in modules about signals, threads, or how a process starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(OWN_INTERPRETERS, "1")
        yield


@pytest.fixture(scope="package", autouse=True)
def without_native_stacks() -> Iterator[None]:
    """No run looks at native stacks by default: pystack takes longer than a test that dies."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_ADDOPTS", "--foreign-thread-native=off")
        yield


@pytest.fixture(scope="module")
def with_native_stacks(without_native_stacks: None) -> Iterator[None]:
    """Runs look at native stacks as for a user, in modules that say something of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTEST_ADDOPTS")
        yield


@pytest.fixture
def run_suite(tmp_path: Path) -> RunSuite:
    def run(files: str | dict[str, str], *args: str, env: dict[str, str] | None = None) -> SuiteRun:
        return run_suite_in(tmp_path, files, *args, env=env)

    return run
