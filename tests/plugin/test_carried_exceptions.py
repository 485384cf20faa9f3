"""Exceptions that Python callbacks raise on threads of Java's pools, and that Java hands on inside of its own."""

from __future__ import annotations

from typing import Any, Final

import pytest

from .conftest import RunSuite, SuiteRun, run_suite_in

SUITE: Final = """
    import ctypes
    import sqlite3

    import jpype
    import pytest

    pytestmark = [pytest.mark.foreign_thread(mode="main"), pytest.mark.usefixtures("jvm")]

    def submitted(function):
        pool = jpype.JClass("java.util.concurrent.Executors").newSingleThreadExecutor()
        try:
            return pool.submit(jpype.JProxy("java.util.concurrent.Callable", dict={"call": function}))
        finally:
            pool.shutdown()

    def raises_value_error():
        raise ValueError("of a callback")

    def test_future():
        submitted(raises_value_error).get()

    def test_twice_wrapped():
        try:
            submitted(raises_value_error).get()
        except jpype.JException as error:
            raise jpype.JClass("java.lang.IllegalStateException")("outer", error)

    def test_behind_one_of_pythons():
        try:
            submitted(raises_value_error).get()
        except jpype.JException as error:
            raise RuntimeError("outer") from error

    def test_while_one_of_javas_is_handled():
        try:
            submitted(raises_value_error).get()
        except jpype.JException:
            raise RuntimeError("outer")

    def test_without_its_context():
        try:
            submitted(raises_value_error).get()
        except jpype.JException:
            raise RuntimeError("outer") from None

    def test_completable():
        future = jpype.JClass("java.util.concurrent.CompletableFuture")
        future.runAsync(jpype.JProxy("java.lang.Runnable", dict={"run": raises_value_error})).join()

    def test_thread_affine():
        connection = sqlite3.connect(":memory:")
        submitted(lambda: connection.execute("select 1")).get()

    class Definition(ctypes.Structure):
        _fields_ = (
            ("name", ctypes.c_char_p), ("function", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p)
        )

    # A function of Python whose C code returns NULL, for no exception is set.
    DEFINITION = Definition(b"nothing", ctypes.cast(ctypes.pythonapi.PyErr_Occurred, ctypes.c_void_p), 4, None)

    def returns_null():
        new = ctypes.pythonapi.PyCFunction_NewEx
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p] * 3
        return new(ctypes.addressof(DEFINITION), None, None)()

    def test_null_result():
        submitted(returns_null).get()

    def test_of_java_only():
        jpype.JClass("java.lang.Integer").parseInt("x")

    def test_circle():
        thrown = jpype.JClass("java.lang.RuntimeException")("a")
        thrown.initCause(jpype.JClass("java.lang.RuntimeException")("b", thrown))
        raise thrown

    def test_of_python_only():
        raises_value_error()

    def test_caught():
        with pytest.raises(jpype.JException):
            submitted(raises_value_error).get()
"""
CARRIED: Final = [
    "test_future",
    "test_twice_wrapped",
    "test_behind_one_of_pythons",
    "test_while_one_of_javas_is_handled",
    "test_completable",
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    return run_suite_in(tmp_path_factory.mktemp("carried"), SUITE, "--foreign-thread-isolation=module")


def failure(run: SuiteRun, name: str) -> str:
    """Return what the terminal shows of a test."""
    return run.output.partition(f"_ {name} _")[2].partition("\n____")[0]


@pytest.mark.parametrize("name", CARRIED)
def test_the_exception_of_the_callback_is_shown_once(run: SuiteRun, name: str) -> None:
    assert run.outcomes[name] == "failed"
    text = failure(run, name)
    assert text.count(" raised in Python ") == 1
    shown = text.partition(" raised in Python ")[2]
    assert "ValueError: of a callback" in shown
    assert "Exception: Java Exception" not in shown


@pytest.mark.parametrize(
    "name", ["test_of_java_only", "test_circle", "test_of_python_only", "test_without_its_context"]
)
def test_other_exceptions_carry_none(run: SuiteRun, name: str) -> None:
    assert run.outcomes[name] == "failed"
    assert " raised in Python " not in failure(run, name)


def diagnosis(run: SuiteRun, name: str) -> Any:
    return (run.tests[name]["diagnosis"] or {}).get("code")


def test_the_diagnosis_sees_it(run: SuiteRun) -> None:
    assert (run.outcomes["test_thread_affine"], diagnosis(run, "test_thread_affine")) == ("failed", "thread-affine")
    assert (run.outcomes["test_null_result"], diagnosis(run, "test_null_result")) == ("null_result", "null-result")
    assert run.outcomes["test_caught"] == "passed"


def test_without_capture_too(run_suite: RunSuite) -> None:
    ran = run_suite(SUITE, "-k", "test_future", "--show-capture=no", "--tb=short")
    assert ran.output.count(" raised in Python ") == 1
