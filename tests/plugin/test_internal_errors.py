"""An error of this plugin's own is reported as such, an error of a hook as the hook's; the run goes on."""

from __future__ import annotations

from typing import Final

import pytest

from .conftest import run_suite_in

SUITE: Final = """
    import os
    import pytest

    pytestmark = pytest.mark.foreign_thread(mode="main")

    @pytest.mark.xfail(reason="of the test, which does not fail")
    def test_broken():
        pass

    def test_sound():
        pass

    def test_that_exits_alike():
        os._exit(70)
"""
# Each breaks this plugin amid the first test, as a fault of its own would.
BREAKS: Final = {
    "in the child": "pytest_foreignthread.child.pytest.serving.Server._begin",
    "before the JVM starts": "pytest_foreignthread.child.main._java_side",
    "before the child's first step": "pytest_foreignthread.supervise.process.keeper.run_child",
    "in the process that keeps the child": "pytest_foreignthread.supervise.process.keeper._Keeper.run",
    "in the pytest process": "pytest_foreignthread.run.runner.record_of",
}
CONFTEST: Final = """
    import importlib
    import pytest

    @pytest.hookimpl(tryfirst=True, wrapper=True)
    def pytest_runtest_protocol(item):
        if item.name != "test_broken":
            return (yield)
        # The path has a class in it or none.
        place, _, name = {place!r}.rpartition(".")
        try:
            owner = importlib.import_module(place)
        except ImportError:
            module, _, kind = place.rpartition(".")
            owner = getattr(importlib.import_module(module), kind)
        before = getattr(owner, name)
        setattr(owner, name, None)
        try:
            return (yield)
        finally:
            setattr(owner, name, before)
"""
OPTIONS: Final = ("-o", "foreign_thread_ready=0")


@pytest.mark.parametrize("place", BREAKS.values(), ids=BREAKS)
# One in each process; the others are earlier in the same.
@pytest.mark.by_default("in the child", "in the process that keeps the child", "in the pytest process")
def test_an_error_of_ours_is_called_ours(tmp_path_factory: pytest.TempPathFactory, place: str) -> None:
    files = {"test_it.py": SUITE, "conftest.py": CONFTEST.format(place=place)}
    run = run_suite_in(tmp_path_factory.mktemp("ours"), files, *OPTIONS)
    assert run.status == 1
    assert run.outcomes == {"test_broken": "error", "test_sound": "passed", "test_that_exits_alike": "crash"}
    assert "internal error of pytest-foreignthread in the " in run.tests["test_broken"]["message"]
    assert "TypeError: 'NoneType' object is not callable" in run.output
    assert "please report it with this text" in run.output
    assert "INTERNALERROR" not in run.output
    assert "the JVM did not start" not in run.output


def test_in_a_fresh_interpreter(tmp_path_factory: pytest.TempPathFactory) -> None:
    conftest = """
        import pytest_foreignthread.child.pytest.serving

        def pytest_collection_modifyitems(items):
            import sys
            if "-c" in sys.orig_argv[:12]:
                pytest_foreignthread.child.pytest.serving.Server._begin = None
    """
    files = {"test_it.py": SUITE, "conftest.py": conftest}
    run = run_suite_in(tmp_path_factory.mktemp("fresh"), files, "--foreign-thread-start=spawn", "-k", "broken or sound")
    assert run.outcomes == {"test_broken": "error", "test_sound": "error"}
    assert "internal error of pytest-foreignthread in the child" in run.tests["test_broken"]["message"]


def test_an_error_of_a_hook_is_called_the_hooks(tmp_path_factory: pytest.TempPathFactory) -> None:
    conftest = """
        import os
        import pytest

        RUN = os.getpid()

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_logstart(nodeid):
            pass

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_protocol(item):
            if os.getpid() != RUN:
                raise ZeroDivisionError("the project's own")
            return (yield)
    """
    # The hooks around the second test of a child run in the child.
    shared = ("--foreign-thread-isolation=session", *OPTIONS)
    run = run_suite_in(tmp_path_factory.mktemp("hook"), {"test_it.py": SUITE, "conftest.py": conftest}, *shared)
    assert run.outcomes["test_sound"] == "error"
    message = run.tests["test_sound"]["message"]
    assert message.startswith("a hook raised ZeroDivisionError: the project's own in the child (")
    assert "conftest.py:" in message.splitlines()[0]
    assert "please report" not in run.output
