"""A suite in whose environment all these plugins load by themselves."""

from __future__ import annotations

from .conftest import RunWith

SUITE = """
    import ctypes, threading
    import pytest

    def test_ordinary():
        pass

    @pytest.mark.foreign_thread
    def test_holds():
        assert threading.current_thread() is not threading.main_thread()

    @pytest.mark.foreign_thread
    def test_crashes():
        ctypes.string_at(0)
"""


def test_a_suite_that_loads_them_all(run_with: RunWith) -> None:
    run = run_with("*", SUITE)
    assert run.outcomes == {"test_holds": "passed", "test_crashes": "segfault"}, run.output
    assert run.status == 1
