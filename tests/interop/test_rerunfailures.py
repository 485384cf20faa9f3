"""pytest-rerunfailures, and flaky, which runs tests in a loop of its own as well."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from .conftest import RunWith

SUITE = """
    import ctypes, threading
    from pathlib import Path
    import pytest

    pytestmark = pytest.mark.foreign_thread(mode="python", timeout=3)

    def run_of(request):
        file = Path(request.node.name)
        file.write_text(file.read_text() + "." if file.exists() else ".")
        return len(file.read_text())

    def test_passes(request):
        assert run_of(request) == 1

    def test_fails(request):
        assert run_of(request) > 9

    def test_passes_at_last(request):
        assert run_of(request) == 3

    def test_crashes(request):
        run_of(request)
        ctypes.string_at(0)

    def test_crashes_once(request):
        if run_of(request) == 1:
            ctypes.string_at(0)

    def test_hangs_once(request):
        if run_of(request) == 1:
            threading.Event().wait()

    @pytest.fixture
    def broken_once(request):
        assert run_of(request) == 2

    def test_not_set_up_at_first(broken_once):
        pass

    @pytest.mark.skip
    def test_skipped():
        pass

    @pytest.mark.xfail
    def test_expected(request):
        assert run_of(request) != 1
"""
QUICK = "--foreign-thread-native=off"
SHARED = ("--foreign-thread-isolation=session",)
OUTCOMES = {
    "test_passes": "passed",
    "test_fails": "failed",
    "test_passes_at_last": "passed",
    "test_crashes": "segfault",
    "test_crashes_once": "passed",
    "test_hangs_once": "passed",
    "test_not_set_up_at_first": "passed",
    "test_skipped": "skipped",
    "test_expected": "xfailed",
}
RUNS = {"test_passes": 1, "test_fails": 3, "test_passes_at_last": 3, "test_crashes": 3, "test_crashes_once": 2}
RUNS |= {"test_hangs_once": 2, "test_not_set_up_at_first": 2, "test_expected": 1}

ONE_MARKED = """
    import ctypes
    import pytest

    @pytest.mark.foreign_thread
    @pytest.mark.flaky({arguments})
    def test_crashes():
        with open("runs", "a") as file:
            file.write(".")
        ctypes.string_at(0)

    @pytest.mark.foreign_thread
    def test_crashes_too():
        ctypes.string_at(0)
"""


@pytest.mark.parametrize(
    ("plugins", "args"),
    [
        pytest.param("rerunfailures", (), id="plain"),
        pytest.param("xdist rerunfailures", ("-n2",), id="workers"),
        pytest.param("rerunfailures", SHARED, id="shared"),
        pytest.param("rerunfailures", ("--foreign-thread-ready=2",), id="ready"),
    ],
)
# The others are the same runs in children of other kinds.
@pytest.mark.by_default("shared")
def test_a_test_that_fails_runs_again_in_a_new_child_and_its_last_run_counts(
    run_with: RunWith, plugins: str, args: tuple[str, ...]
) -> None:
    run = run_with(plugins, SUITE, QUICK, "--reruns=2", *args)
    assert run.outcomes == OUTCOMES, run.output
    assert len(run.document["tests"]) == len(OUTCOMES)
    assert run.closing_line == "1 failed, 5 passed, 1 skipped, 1 xfailed, 9 rerun, 1 segfault", run.output
    assert run.status == 1
    # What dies in a shared child after others is run alone, too.
    names = [name for name in RUNS if args != SHARED or not ("crashes" in name or "hangs" in name)]
    assert {name: len((run.folder / name).read_text()) for name in names} == {name: RUNS[name] for name in names}


def test_each_rerun_is_shown_where_it_happens(run_with: RunWith) -> None:
    run = run_with("rerunfailures", SUITE, QUICK, "--reruns=1", "-v", "-rR", "-k", "test_crashes")
    words = [line.split()[1] for line in run.output.splitlines() if line.startswith("test_it.py::")]
    assert words == ["RERUN", "SEGFAULT", "RERUN", "PASSED"], run.output
    assert run.output.count("SEGFAULTS") == 1


def test_the_marker_asks_for_one_test(run_with: RunWith) -> None:
    run = run_with("rerunfailures", ONE_MARKED.format(arguments="reruns=1"))
    assert run.closing_line == "1 rerun, 2 segfault", run.output
    assert (run.folder / "runs").read_text() == ".."


@pytest.mark.parametrize(
    ("arguments", "runs"),
    [
        ("reruns=1, only_rerun='Segfault'", 2),
        ("reruns=1, only_rerun='SIGSEGV'", 2),
        ("reruns=1, only_rerun='AssertionError'", 1),
        ("reruns=1, rerun_except='Segfault'", 1),
        ("reruns=1, condition=lambda error: type(error).__name__ == 'Segfault'", 2),
    ],
)
# The others name the same error by other words.
@pytest.mark.by_default("reruns=1, only_rerun='Segfault'-2", "reruns=1, rerun_except='Segfault'-1")
def test_what_died_is_known_by_the_name_of_its_outcome(run_with: RunWith, arguments: str, runs: int) -> None:
    run = run_with("rerunfailures", ONE_MARKED.format(arguments=arguments), QUICK)
    assert len((run.folder / "runs").read_text()) == runs, run.output
    assert run.status == 1


def test_an_exception_of_the_body_is_known_by_its_name_and_text(run_with: RunWith) -> None:
    suite = """
        import pytest
        pytestmark = pytest.mark.foreign_thread

        def test_of_python():
            raise FileNotFoundError(2, "gone")

        def test_of_its_own():
            class Torn(UnicodeError):
                pass
            raise Torn("in two") from KeyError("cause")

        def test_other():
            raise ValueError("other")
    """
    args = [f"--only-rerun={pattern}" for pattern in ("FileNotFoundError: .*gone", "^Torn: in two$")]
    run = run_with("rerunfailures", suite, QUICK, "--reruns=1", *args)
    assert run.closing_line == "3 failed, 2 rerun", run.output


def test_a_flaky_test_may_fail_the_run(run_with: RunWith) -> None:
    run = run_with("rerunfailures", SUITE, QUICK, "--reruns=2", "--fail-on-flaky", "-k", "crashes_once")
    assert (run.outcomes, run.status) == ({"test_crashes_once": "passed"}, 7), run.output


def test_what_ordinary_tests_have_set_up_stays_between_the_runs(run_with: RunWith) -> None:
    suite = """
        import os
        import pytest

        @pytest.fixture(scope="module")
        def shared():
            yield os.getpid()
            print(f"torn down {os.getpid()}")

        def test_ordinary(shared):
            print(f"set up {shared}")
            assert shared == os.getpid()

        @pytest.mark.foreign_thread
        def test_foreign(shared):
            assert shared != os.getppid() == 0
    """
    other = "def test_after(): pass"
    run = run_with("rerunfailures", {"test_a.py": suite, "test_b.py": other}, "--reruns=1", "-s")
    assert run.closing_line == "1 failed, 2 passed, 1 rerun", run.output
    pid = run.output.partition("set up ")[2].split()[0]
    assert [line.split()[-1] for line in run.output.splitlines() if "torn down" in line] == [pid]


def test_junit_has_the_runs_as_the_plugin_has_them(run_with: RunWith) -> None:
    run = run_with("rerunfailures", SUITE, QUICK, "--reruns=2", "-k", "crashes", "--junit-xml=junit.xml")
    suite = ElementTree.parse(run.folder / "junit.xml").getroot()[0]
    assert (suite.get("failures"), suite.get("errors")) == ("1", "0"), run.output


def test_the_matrix_has_the_last_run(run_with: RunWith) -> None:
    run = run_with("rerunfailures", SUITE, QUICK, "--reruns=1", "-k", "crashes_once", "--foreign-thread-modes=main,new")
    # The runs of both modes are counted together.
    assert set(run.outcomes.values()) == {"passed"}, run.output
    assert run.document["matrix"]["rows"][0]["verdict"] == "sound"
