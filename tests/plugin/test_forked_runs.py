"""A run that a server forks is like one of an interpreter of its own, which these tests compare it with."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_foreignthread.supervise.process import processes

from ..forked_runs import OWN_INTERPRETERS, close_servers, is_for_server, run_python, servers
from ..run_command import ALL_PLUGINS, FEW_PLUGINS, run_command
from .conftest import ENDLESS

# What a run finds before its first test. An interpreter of its own starts without any thread but the main one.
FACTS: Final = """
import gc, json, os, resource, signal, sys, threading, warnings

def pytest_sessionstart(session):
    main = sys.modules["__main__"]
    worker = getattr(session.config, "workerinput", {"workerid": "no worker"})
    json.dump(
        {
            "arguments": sys.argv,
            "path": sys.path,
            "directory": os.getcwd(),
            "environment": {name: value for name, value in os.environ.items()},
            "main": [main.__name__, *map(repr, (getattr(main, "__file__", None), main.__spec__, main.__package__))],
            "executable": sys.executable,
            "threads": [threading.active_count(), len(os.listdir("/proc/self/task"))],
            "descriptors": sorted(os.listdir("/proc/self/fd")),
            "handlers": {int(one): str(signal.getsignal(one)) for one in signal.valid_signals()},
            "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
            "limits": [resource.getrlimit(one) for one in (resource.RLIMIT_CORE, resource.RLIMIT_NOFILE)],
            "filters": len(warnings.filters),
            "gc": [gc.isenabled(), gc.get_threshold()],
            "flags": str(sys.flags),
            "streams": [[one.encoding, one.errors, one.line_buffering] for one in (sys.__stdout__, sys.__stderr__)],
            "hooks": [sys.excepthook is sys.__excepthook__, sys.gettrace(), threading.gettrace()],
            # The report imports jinja2 only for its page; the server has imported that module of ours.
            "others": sorted(
                name for name in {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names
                if name not in ("jinja2", "markupsafe") and not name.startswith("_sysconfigdata")
            ),
            "plugins": sorted(str(name) for name, _ in session.config.pluginmanager.list_name_plugin()),
        },
        open(f"facts of {worker['workerid']}.json", "w"),
    )
"""
# The last two are GNU readline's, which sets them behind Python's back in a controller that imports it.
OF_ONE_RUN: Final = (OWN_INTERPRETERS, "PYTEST_XDIST_TESTRUNUID", "COLUMNS", "LINES")
"""Variables that differ from run to run, or between the two kinds."""
_OF_ONE_OBJECT: Final = re.compile(r"\b(0x)?[0-9a-f]{9,}\b")


def run(folder: Path, *args: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **FEW_PLUGINS, **variables}
    return run_python(run_command("-p", "no:cacheprovider", *args), folder, environment, ENDLESS)


def facts(folder: Path, *args: str, worker: str) -> dict[str, Any]:
    (folder / "conftest.py").write_text(FACTS, encoding="utf-8")
    done = run(folder, "-q", *args, TOLD="a word")
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout + done.stderr
    text = (folder / f"facts of {worker}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(_OF_ONE_OBJECT.sub("N", text))
    return found


@pytest.mark.parametrize(("args", "worker"), [((), "no worker"), (("-n2",), "gw1")])
# The second worker also inherits what is open for the first.
def test_it_finds_what_an_interpreter_of_its_own_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], worker: str
) -> None:
    forked = facts(tmp_path, *args, worker=worker)
    assert forked["environment"]["TOLD"] == "a word"
    monkeypatch.setenv(OWN_INTERPRETERS, "1")
    own = facts(tmp_path, *args, worker=worker)
    environments = forked.pop("environment"), own.pop("environment")
    for name in OF_ONE_RUN:
        for environment in environments:
            environment.pop(name, None)
    assert environments[0] == environments[1]
    assert forked == own


END: Final = """
import atexit, os, sys, threading

def after_main():
    threading.main_thread().join()
    print("a thread that Python waits for")

def test_it():
    atexit.register(print, "at exit")
    threading.Thread(target=after_main).start()
    print("\\udcff", file=sys.__stderr__)
    {action}
"""


@pytest.mark.parametrize(
    ("action", "status"),
    [("pass", 0), ("assert 0", 1), ("os.kill(os.getpid(), 9)", -signal.SIGKILL), ("os._exit(77)", 77)],
)
def test_it_ends_as_an_interpreter_does(tmp_path: Path, action: str, status: int) -> None:
    (tmp_path / "test_it.py").write_text(END.format(action=action), encoding="utf-8")
    done = run(tmp_path, "-s")
    assert (done.returncode, done.stderr) == (status, "\\udcff\n")
    if status in (0, 1):
        assert done.stdout.splitlines()[-2:] == ["a thread that Python waits for", "at exit"]


END_WITHOUT_THREADS: Final = """
import atexit, sys
import pytest

def test_it():
    # The stream may keep what is no whole line until it is flushed.
    atexit.register(sys.stdout.write, "at exit")
    {action}
"""


@pytest.mark.parametrize(("action", "status"), [("pass", 0), ("assert 0", 1), ("pytest.exit('enough', 7)", 7)])
def test_it_ends_as_an_interpreter_does_that_has_one_thread(tmp_path: Path, action: str, status: int) -> None:
    (tmp_path / "test_it.py").write_text(END_WITHOUT_THREADS.format(action=action), encoding="utf-8")
    done = run(tmp_path, "-s")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (status, "at exit")


def test_it_finds_a_distribution_that_the_server_has_not_seen(tmp_path: Path) -> None:
    files = {
        "named-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: named\nVersion: 1\n",
        "named-1.dist-info/entry_points.txt": "[pytest11]\nby_its_name = of_the_folder\n",
        "of_the_folder.py": "def pytest_report_header(): return 'loaded by its name'\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert "loaded by its name" in run(tmp_path, "-pby_its_name").stdout


def test_one_that_does_not_end_is_killed(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("import time\ntime.sleep(1000)\n", encoding="utf-8")
    with pytest.raises(subprocess.TimeoutExpired):
        run_python(run_command(), tmp_path, {**os.environ, **FEW_PLUGINS}, 0)
    # Tests of other modules may have needed servers of their own.
    assert [processes.descendants(server.pid) for server in servers().values()] == [[]] * len(servers())


def test_a_server_that_died_is_named_and_replaced(tmp_path: Path) -> None:
    close_servers()
    (tmp_path / "test_it.py").write_text("import os\n\ndef test_it():\n    os.kill(os.getppid(), 9)\n")
    with pytest.raises(ConnectionError, match="the process that forks runs of pytest ended"):
        run(tmp_path)
    assert servers() == {}
    assert run(tmp_path, "--collect-only").returncode == 0


@pytest.mark.parametrize(
    "variables",
    [ALL_PLUGINS, {"PYTHONPATH": "a"}, {"PYTHONDEVMODE": "1"}, {"LD_PRELOAD": "a.so"}],
    ids=str,
)
def test_what_only_a_new_interpreter_reads_has_one(variables: dict[str, str]) -> None:
    common = {**os.environ, **FEW_PLUGINS}
    assert is_for_server(common)
    assert not is_for_server({**common, **variables})
