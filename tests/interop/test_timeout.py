"""pytest-timeout: it arms nothing around a foreign-thread test, which takes its limit where there is no other."""

from __future__ import annotations

import re

import pytest

from .conftest import RunWith

QUICK = "--foreign-thread-native=off"
HANGS = """
    import threading, time
    import pytest

    {marks}
    @pytest.mark.foreign_thread({arguments})
    def test_hangs():
        threading.Event().wait()
"""


def limit(output: str) -> str:
    """The seconds that the report of a hang names."""
    found = re.search(r"timed out after ([\d.]+) s", output)
    return found[1] if found else ""


@pytest.mark.parametrize(
    ("mark", "arguments", "args", "ini", "seconds"),
    [
        pytest.param("timeout(1.25)", "", [], "", "1.25", id="marker"),
        pytest.param("timeout(timeout=1.25, method='thread')", "", [], "", "1.25", id="marker-thread"),
        pytest.param("timeout(1.25, func_only=True)", "", [], "", "1.25", id="marker-body-alone"),
        pytest.param("", "", ["--timeout=1.25"], "timeout = 99", "1.25", id="option"),
        pytest.param("", "", [], "timeout = 1.25", "1.25", id="ini"),
        pytest.param("", "", [], "timeout = 1.25\ntimeout_method = thread", "1.25", id="ini-thread"),
        pytest.param("", "", [], "timeout = 1.25\ntimeout_func_only = true", "1.25", id="ini-body-alone"),
        pytest.param("timeout(method='thread')", "", ["--timeout=1.25"], "", "1.25", id="marker-without-one"),
        pytest.param("timeout(0.5)", "timeout=1.75", [], "", "1.75", id="own-marker"),
        pytest.param("timeout(1.25)", "", ["--foreign-thread-timeout=99"], "", "1.25", id="marker-and-own-option"),
        pytest.param("", "", ["--foreign-thread-timeout=1.75", "--timeout=0.5"], "", "1.75", id="own-option"),
        pytest.param("", "", ["--timeout=0.5"], "foreign_thread_timeout = 1.75", "1.75", id="own-ini"),
        pytest.param("timeout(0)", "", ["--timeout=0.5", "--foreign-thread-timeout=1.75"], "", "1.75", id="none"),
    ],
)
# The others set the same limits in other places.
@pytest.mark.by_default("none", "option", "own-marker")
def test_a_hang_is_this_plugins_at_the_limit_that_is_closest(
    run_with: RunWith, mark: str, arguments: str, args: list[str], ini: str, seconds: str
) -> None:
    marks = f"@pytest.mark.{mark}" if mark else ""
    source = HANGS.format(marks=marks, arguments=arguments)
    run = run_with("timeout", {"test_it.py": source, "pytest.ini": f"[pytest]\n{ini}\n"}, QUICK, *args)
    assert run.closing_line == "1 hang", run.output + run.errors
    assert (run.status, limit(run.output)) == (1, seconds)
    assert "Timeout" not in run.output + run.errors


@pytest.mark.parametrize("method", ["signal", "thread"])
@pytest.mark.parametrize(
    ("plugins", "args"),
    [
        ("timeout", ()),
        ("timeout", ("--foreign-thread-isolation=session",)),
        ("timeout", ("--foreign-thread-isolation=module",)),
        ("timeout", ("--foreign-thread-ready=2",)),
        ("xdist timeout", ("-n2",)),
    ],
    ids=["alone", "session", "module", "ready", "workers"],
)
# The timer is the pytest process's or the child's; the others are further children.
@pytest.mark.by_default("alone-signal", "session-thread")
def test_no_timer_of_its_own_ends_the_run_or_the_child(
    run_with: RunWith, plugins: str, args: tuple[str, ...], method: str
) -> None:
    suite = """
        import time
        import pytest

        pytestmark = pytest.mark.timeout(0.2)

        @pytest.mark.foreign_thread(timeout=60)
        @pytest.mark.parametrize("number", range(3))
        def test_takes_longer(number):
            time.sleep(0.5)

        @pytest.mark.foreign_thread(timeout=60)
        @pytest.mark.timeout(0.2, func_only=True)
        def test_body_takes_longer():
            time.sleep(0.5)

        @pytest.mark.foreign_thread(timeout=60)
        def test_fails_in_time():
            assert 0
    """
    run = run_with(plugins, suite, QUICK, f"--timeout-method={method}", *args)
    assert run.closing_line == "1 failed, 4 passed", run.output + run.errors
    assert "Timeout" not in run.output + run.errors


def test_a_limit_of_only_the_body_leaves_setup_its_own(run_with: RunWith) -> None:
    suite = """
        import threading, time
        import pytest

        @pytest.fixture
        def slow():
            time.sleep(1.5)

        @pytest.mark.timeout(1, func_only=True)
        @pytest.mark.foreign_thread
        def test_slow(slow):
            pass

        @pytest.fixture
        def endless():
            threading.Event().wait()

        @pytest.mark.timeout(1, func_only=True)
        @pytest.mark.foreign_thread
        def test_endless(endless):
            pass
    """
    run = run_with("timeout", suite, QUICK, "--foreign-thread-timeout=2.5")
    assert run.outcomes == {"test_slow": "passed", "test_endless": "hang"}, run.output
    assert limit(run.output) == "2.5"


def test_ordinary_tests_keep_its_timer(run_with: RunWith) -> None:
    suite = """
        import threading
        import pytest

        @pytest.mark.foreign_thread
        def test_foreign():
            pass

        @pytest.mark.timeout(0.5)
        def test_ordinary():
            threading.Event().wait()
    """
    run = run_with("timeout", suite, QUICK)
    assert run.closing_line == "1 failed, 1 passed", run.output
    assert "Timeout (>0.5s) from pytest-timeout" in run.output


def test_a_limit_of_the_session_ends_it_after_the_test(run_with: RunWith) -> None:
    suite = """
        import time
        import pytest

        @pytest.mark.foreign_thread
        @pytest.mark.parametrize("number", range(2))
        def test_it(number):
            time.sleep(0.3)
    """
    run = run_with("timeout", suite, QUICK, "--session-timeout=0.2")
    assert run.outcomes == {"test_it[0]": "passed"}, run.output
    assert "session-timeout: 0.2 sec exceeded" in run.output
