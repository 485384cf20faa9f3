"""The exception that ended a thread is in the report of a test that then hung or died: waiting for it, often."""

from __future__ import annotations

from typing import Any, Final

import pytest

from .conftest import SuiteRun, run_suite_in

SUITE: Final = """
    import ctypes, os, threading
    import pytest

    ENDS = {
        "hangs": lambda: threading.Event().wait(),
        "segfaults": lambda: ctypes.string_at(0),
        "exits": lambda: os._exit(3),
    }

    def raises():
        raise KeyError("of the callback")

    def on_java_thread():
        import jpype
        runnable = jpype.JProxy("java.lang.Runnable", dict={"run": raises})
        thread = jpype.JClass("java.lang.Thread")(runnable, "callback-thread")
        thread.start()
        thread.join()

    def in_java():
        import jpype
        integer = jpype.JClass("java.lang.Integer")
        call = lambda: integer.parseInt("no number")
        thread = jpype.JClass("java.lang.Thread")(jpype.JProxy("java.lang.Runnable", dict={"run": call}), "java-thread")
        thread.start()
        thread.join()

    def on_python_thread():
        thread = threading.Thread(target=raises, name="python-thread")
        thread.start()
        thread.join()

    class Dropped:
        def __del__(self):
            raises()

    def unraisable():
        Dropped()

    def nothing():
        pass

    def in_mode(mode, *names):
        # A mark of the function itself would come before that of its parameter.
        mark = pytest.mark.foreign_thread(mode=mode, timeout=3)
        return [pytest.param(name, marks=mark) for name in names]

    DOES = {name: value for name, value in globals().items() if callable(value)}

    @pytest.mark.parametrize(
        "does",
        [*in_mode("new", "on_java_thread", "in_java"), *in_mode("python", "on_python_thread", "unraisable", "nothing")],
    )
    @pytest.mark.parametrize("end", ENDS)
    @pytest.mark.filterwarnings("ignore")
    def test_it(does, end):
        DOES[does]()
        ENDS[end]()

    @pytest.mark.foreign_thread(mode="python", timeout=3)
    def test_many():
        for _ in range(20):
            on_python_thread()
        os._exit(3)

    @pytest.mark.foreign_thread(mode="python")
    @pytest.mark.filterwarnings("ignore")
    def test_sound():
        on_python_thread()
"""
SAYS: Final = {
    "on_java_thread": ('uncaught on Java thread "callback-thread": KeyError', "java.lang.Thread.run"),
    "in_java": ('uncaught on Java thread "java-thread": java.lang.NumberFormatException', "parseInt"),
    "on_python_thread": ('uncaught on Python thread "python-thread":', "in raises"),
    "unraisable": ("could not be raised: Exception ignored in", "in raises"),
}
OUTCOMES: Final = {"hangs": "hang", "segfaults": "segfault", "exits": "crash"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    return run_suite_in(tmp_path_factory.mktemp("lost"), SUITE, "--foreign-thread-native=off")


def entry(run: SuiteRun, does: str, end: str) -> dict[str, Any]:
    found = run.tests[f"test_it[{end}-{does}]"]
    assert found["outcome"] == OUTCOMES[end]
    return found


@pytest.mark.parametrize("end", OUTCOMES)
@pytest.mark.parametrize("does", SAYS)
def test_it_is_reported(run: SuiteRun, does: str, end: str) -> None:
    (text,) = entry(run, does, end)["uncaught"]
    head, frame = SAYS[does]
    assert text.startswith(head)
    assert frame in text
    shown = run.output.partition(f"_ test_it[{end}-{does}] _")[2]
    assert text.splitlines()[0] in shown[: shown.index("rerun: pytest")]


@pytest.mark.parametrize("end", OUTCOMES)
def test_nothing_is_reported_where_nothing_was_raised(run: SuiteRun, end: str) -> None:
    assert entry(run, "nothing", end)["uncaught"] == []


def test_the_first_ones_are_reported(run: SuiteRun) -> None:
    texts = run.tests["test_many"]["uncaught"]
    assert len(texts) == 6
    assert texts[-1] == "15 more exceptions that no one caught"


def test_a_test_that_ends_leaves_it_to_pytest(run: SuiteRun) -> None:
    assert run.tests["test_sound"]["outcome"] == "passed"
    assert run.tests["test_sound"]["uncaught"] == []
