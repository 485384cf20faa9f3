"""Suites that more than one of these tests runs."""

from __future__ import annotations

from typing import Final

OUTCOMES: Final = """
    import ctypes, os, threading
    import pytest
    from pytest_foreignthread import Segfault

    @pytest.mark.foreign_thread
    def test_passes():
        assert threading.current_thread() is not threading.main_thread()

    @pytest.mark.foreign_thread
    def test_fails():
        assert 1 == 2

    @pytest.mark.foreign_thread
    def test_skips():
        pytest.skip("later")

    @pytest.mark.foreign_thread
    @pytest.mark.skip(reason="never")
    def test_is_not_run():
        pass

    @pytest.mark.foreign_thread
    @pytest.mark.xfail(raises=Segfault)
    def test_is_expected():
        ctypes.string_at(0)

    @pytest.mark.foreign_thread
    def test_segfault():
        print("printed before")
        ctypes.string_at(0)

    @pytest.mark.foreign_thread(timeout=1)
    def test_hang():
        threading.Event().wait()

    @pytest.mark.foreign_thread
    def test_null_result():
        raise SystemError("<built-in function f> returned NULL without setting an exception")

    @pytest.mark.foreign_thread
    def test_crash():
        os._exit(3)

    @pytest.fixture
    def dies_late():
        yield
        os._exit(3)

    @pytest.mark.foreign_thread
    def test_dies_in_teardown(dies_late):
        pass

    def test_ordinary():
        pass
"""
"""Each outcome once."""

WORDS: Final = {
    "test_passes": "passed",
    "test_fails": "failed",
    "test_skips": "skipped",
    "test_is_not_run": "skipped",
    "test_is_expected": "xfailed",
    "test_segfault": "segfault",
    "test_hang": "hang",
    "test_null_result": "null_result",
    "test_crash": "crash",
    "test_dies_in_teardown": "crash",
}

DEATHS: Final = {
    "test_segfault": "segfault on Java thread",
    "test_hang": "hang on Java thread",
    "test_null_result": "returned NULL without setting an exception",
    "test_crash": "crash on Java thread",
    "test_dies_in_teardown": 'crash on Python thread "MainThread" in teardown',
}
"""Test → what its failure's text has."""
