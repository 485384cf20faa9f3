"""A test of a shared child that closes or replaces descriptors of pytest or of this plugin harms no other test."""

from __future__ import annotations

from typing import Final

import pytest

from .conftest import RunSuite
from .test_isolation import CONFTEST, children, fixtures

SUITE: Final = """
    import os
    import pytest

    pytestmark = pytest.mark.foreign_thread(mode="{mode}")

    @pytest.fixture
    def at_teardown():
        yield
        {teardown}

    def replace(descriptor):
        read, write = os.pipe()
        os.dup2(read, descriptor)

    def test_before(on_module): pass
    def test_closes(on_module, at_teardown):
        {body}
    def test_after(on_module): print("goes on")
    def test_last(on_module): pass
"""
CLOSED: Final = "left descriptors of pytest-foreignthread that were closed or replaced: a new child serves"
CAPTURE: Final = "left a capture of pytest that fails since its descriptor was closed: a new child serves"
# Descriptor 200 is that of the messages, 201 that of the orders; the files for stacks follow.
CASES: Final = {
    "all low ones": ("os.closerange(3, 200)", "pass", "1 failed, 3 passed", CAPTURE),
    "low ones in a teardown": ("pass", "os.closerange(3, 200)", "4 passed, 1 error", CAPTURE),
    "all": ("os.closerange(3, 300)", "pass", "3 passed, 1 crash", None),
    "the messages": ("os.close(200)", "pass", "3 passed, 1 crash", None),
    "the messages, replaced": ("replace(200)", "pass", "3 passed, 1 crash", None),
    "the orders": ("os.close(201)", "pass", "4 passed", CLOSED),
    "the orders, replaced": ("replace(201)", "pass", "4 passed", CLOSED),
    "the orders in a teardown": ("pass", "os.close(201)", "4 passed", CLOSED),
    "a file for stacks": ("os.close(203)", "pass", "4 passed", CLOSED),
    "a file for stacks, replaced": ("replace(202)", "pass", "4 passed", CLOSED),
}


@pytest.mark.parametrize("mode", ["main", "native"])
@pytest.mark.parametrize("isolation", ["session", "auto"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.by_default(*(f"{case}-{where}" for case in CASES for where in ("session-native", "auto-main")))
def test_the_next_test_runs_in_a_new_child(run_suite: RunSuite, case: str, isolation: str, mode: str) -> None:
    body, teardown, closing, warning = CASES[case]
    files = {"conftest.py": CONFTEST, "test_it.py": SUITE.format(mode=mode, body=body, teardown=teardown)}
    ran = run_suite(files, f"--foreign-thread-isolation={isolation}", "--foreign-thread-timeout=60")
    got = ran.closing_line.replace(", 1 warning", "")
    assert got == closing, ran.output
    assert "internal error" not in ran.output
    # Of isolation `auto`, the last lines of the run tell how many tests left something.
    assert warning is None or (warning in " ".join(ran.output.split())) == (isolation == "session")
    pids = children(ran)
    assert pids["test_after"] == pids["test_last"] != pids["test_before"]
    # After a failure of isolation `auto` the test runs once more, in a child of its own.
    assert fixtures(ran) == ["up module", "down module"] * (len(fixtures(ran)) // 2)


@pytest.mark.parametrize("mode", ["main", "native"])
@pytest.mark.by_default("native")
def test_non_blocking_descriptors_harm_no_test(run_suite: RunSuite, mode: str) -> None:
    source = f"""
        import os, pytest
        pytestmark = pytest.mark.foreign_thread(mode="{mode}")
        def test_changes():
            os.environ["CHANGED"] = "1"
            for number in range(3, 300):
                try:
                    os.set_blocking(number, False)
                except OSError:
                    pass
        def test_after(): assert os.environ["CHANGED"]  # in the same child
        def test_says_much():
            print("x" * 100_000)
            assert False
    """
    ran = run_suite(source, "--foreign-thread-isolation=session")
    expected = {"test_changes": "passed", "test_after": "passed", "test_says_much": "failed"}
    assert ran.outcomes == expected, ran.output
    assert "x" * 100_000 in ran.output


@pytest.mark.parametrize("stream", ["sys.stdout", "sys.__stderr__"])
@pytest.mark.parametrize("isolation", ["session", "auto"])
@pytest.mark.by_default("session-sys.stdout", "auto-sys.__stderr__")
def test_a_stream_that_a_test_closes_without_capture(run_suite: RunSuite, isolation: str, stream: str) -> None:
    source = f"""
        import sys, pytest
        pytestmark = pytest.mark.foreign_thread(mode="native")
        def test_closes(): {stream}.close()
        def test_after(): print("goes on", file={stream})
    """
    ran = run_suite(source, "-s", f"--foreign-thread-isolation={isolation}")
    assert ran.outcomes == {"test_closes": "passed", "test_after": "passed"}, ran.output
