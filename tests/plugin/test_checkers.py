"""Checkers: what they switch on, what they find, and what a run that asks for them says."""

from __future__ import annotations

from typing import Final

import pytest

from .conftest import RunSuite

JNI: Final = """
    import ctypes
    import pytest
    from pytest_foreignthread.interop.jni import Machine

    P = ctypes.c_void_p

    def call(env, place, result, *arguments):
        table = ctypes.cast(ctypes.cast(env, ctypes.POINTER(P))[0], ctypes.POINTER(P))
        return ctypes.CFUNCTYPE(result, P, *map(type, arguments))(table[place])(env, *arguments)

    @pytest.fixture
    def library(jvm):
        return f"{jvm.java.lang.System.getProperty('java.home')}/lib/server/libjvm.so"

    def environment(library):
        machine, env = Machine(library), P()
        machine.attach(machine.pointer, ctypes.byref(env), None)
        return env.value

    def forget_an_exception(env):
        error = P(call(env, 6, P, ctypes.c_char_p(b"java/lang/RuntimeException")))
        call(env, 14, ctypes.c_int, error, ctypes.c_char_p(b"pending"))
        call(env, 6, P, ctypes.c_char_p(b"java/lang/String"))
        call(env, 17, None)

    @pytest.fixture
    def forgetful(library):
        forget_an_exception(environment(library))

    @pytest.mark.foreign_thread
    def test_warned(library):
        forget_an_exception(environment(library))

    @pytest.mark.foreign_thread
    def test_silent(library):
        print("WARNING in native method: the test's own words", flush=True)

    @pytest.mark.foreign_thread
    def test_warned_in_setup(forgetful):
        pass

    @pytest.mark.foreign_thread
    def test_wrong(library):
        call(environment(library), 33, P, P(), ctypes.c_char_p(b"run"), ctypes.c_char_p(b"()V"))
"""
FOUND: Final = "JniWarning: JNI call made with exception pending, on thread "


@pytest.mark.parametrize("isolation", ["test", "session"])
@pytest.mark.by_default("session")
def test_jni(run_suite: RunSuite, isolation: str) -> None:
    """A report has the findings that HotSpot made during its own test, in a shared child too."""
    run = run_suite(JNI, "--foreign-thread-check=jni", f"--foreign-thread-isolation={isolation}", "-rA")
    outcomes = {name: entry["outcome"] for name, entry in run.tests.items()}
    passed = dict.fromkeys(["test_warned", "test_silent", "test_warned_in_setup"], "passed")
    assert outcomes == {**passed, "test_wrong": "crash"}
    assert run.tests["test_wrong"]["diagnosis"]["code"] == "jni-misuse"
    assert run.tests["test_wrong"]["notes"] == ["checkers: jni"]
    assert run.tests["test_wrong"]["rerun"] == ["test_it.py::test_wrong", "--foreign-thread-check=jni"]
    summary = run.output.partition("warnings summary")[2]
    assert summary.count("JniWarning: ") == 2
    assert f'{FOUND}"foreign-' in summary
    assert f'{FOUND}"MainThread"' in summary
    assert "FATAL ERROR in native method: Bad global or local ref passed to JNI" in run.output
    assert "foreign-thread: checkers: jni\n" in run.output
    assert "handler modified" not in run.output


def test_a_jni_warning_that_a_filter_makes_an_error(run_suite: RunSuite) -> None:
    args = ("--foreign-thread-check=jni", "-Werror::pytest_foreignthread.JniWarning", "-k", "warned or silent")
    run = run_suite(JNI, *args)
    assert {name: entry["outcome"] for name, entry in run.tests.items()} == {
        "test_warned": "failed",
        "test_silent": "passed",
        "test_warned_in_setup": "error",
    }
    assert "phase_ends.py" not in run.output, "the failure shows the plugin's source"


INTERPRETER: Final = """
    import asyncio, os, sys
    import pytest

    pytestmark = pytest.mark.foreign_thread(mode="native")

    def told():
        async def debugs():
            return asyncio.get_running_loop().get_debug()
        return os.environ.get("PYTHONMALLOC"), sys.flags.dev_mode, asyncio.run(debugs())

    def test_of_the_run():
        assert told() == EXPECTED

    @pytest.mark.foreign_thread(check=["malloc", "dev"])
    def test_of_the_marker():
        assert told() == ("debug", True, True)
"""


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ((), (None, False, False)),
        (("--foreign-thread-check=malloc",), ("debug", False, False)),
        (("-o", "foreign_thread_check=dev", "--foreign-thread-isolation=session"), (None, True, True)),
    ],
    ids=["none", "malloc", "dev"],
)
@pytest.mark.by_default("none", "dev")
def test_checkers_of_the_interpreter(run_suite: RunSuite, args: tuple[str, ...], expected: tuple[object, ...]) -> None:
    run = run_suite(INTERPRETER.replace("EXPECTED", repr(expected)), *args)
    assert run.closing_line == "2 passed", run.output
    assert {entry["start"] for entry in run.tests.values()} == ({"spawn"} if args else {"fork", "spawn"})
    assert "in fresh interpreters" in run.output
    assert "a JVM runs in the pytest process" not in run.output


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (("--foreign-thread-check=jni,asan",), "expected one or more of jni, malloc, dev, or none, got 'jni,asan'"),
        (
            ("--foreign-thread-check=malloc", "--foreign-thread-start=fork"),
            "foreign_thread_check = malloc,dev: expected no foreign_thread_start = fork beside it",
        ),
    ],
)
def test_what_cannot_be(run_suite: RunSuite, args: tuple[str, ...], error: str) -> None:
    run = run_suite(INTERPRETER, *args)
    assert run.status == pytest.ExitCode.USAGE_ERROR
    assert error in run.output + run.errors


def test_no_test_has_a_jvm(run_suite: RunSuite) -> None:
    run = run_suite(INTERPRETER, "--foreign-thread-check=jni", "--foreign-thread-jvm=none", "-k", "marker")
    assert "1 passed" in run.closing_line
    run = run_suite(INTERPRETER.replace("EXPECTED", "(None, False, False)"), "--foreign-thread-check=jni", "-k", "run")
    assert run.closing_line.startswith("1 passed"), run.output
    assert "checkers: jni; jni checks nothing, because no test that asks for it has a JVM" in run.output
