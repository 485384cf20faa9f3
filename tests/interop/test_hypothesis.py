"""hypothesis: a `@given` body on a foreign thread, its database, deadline, statistics and health checks."""

from __future__ import annotations

import pytest

from .conftest import RunWith

QUICK = "--foreign-thread-native=off"
FAILS = """
    import threading, time
    import pytest
    from hypothesis import event, given, settings, strategies as st

    @pytest.mark.foreign_thread(mode={modes})
    @given(st.integers())
    def test_fails(request, number):
        on_main = threading.current_thread() is threading.main_thread()
        assert on_main == (request.node.name in ("test_fails[main]", "test_fails[same]"))
        with open(request.node.name, "a") as file:
            print(number, file=file)
        event("tried")
        assert number < 1000
"""
MODES = ["main", "same", "new", "pool", "virtual"]


@pytest.mark.parametrize(
    ("plugins", "args"),
    [
        ("hypothesispytest", ()),
        ("hypothesispytest", ("--foreign-thread-isolation=session",)),
        # The modes of a test share its examples, and two workers would write them at once.
        ("xdist hypothesispytest", ("-n2", "--dist=loadfile")),
    ],
    ids=["alone", "session", "workers"],
)
# A child that serves all tests has to hand over each test's examples before it ends.
@pytest.mark.by_default("session")
def test_what_failed_in_a_child_is_tried_first_in_the_next_run(
    run_with: RunWith, plugins: str, args: tuple[str, ...]
) -> None:
    source = FAILS.format(modes=MODES)
    first = run_with(plugins, source, QUICK, *args)
    assert first.outcomes == {f"test_fails[{mode}]": "failed" for mode in MODES}, first.output
    assert first.output.count("number=1000,") == len(MODES)
    assert (first.folder / ".hypothesis" / "examples").is_dir()
    for mode in MODES:
        (first.folder / f"test_fails[{mode}]").unlink()
    second = run_with(plugins, source, QUICK, *args)
    assert second.outcomes == first.outcomes
    for mode in MODES:
        assert (second.folder / f"test_fails[{mode}]").read_text().split()[0] == "1000", second.output


@pytest.mark.parametrize(
    ("plugins", "args"),
    [
        ("hypothesispytest", ()),
        ("hypothesispytest", ("--foreign-thread-isolation=session",)),
        ("xdist hypothesispytest", ("-n2",)),
    ],
    ids=["alone", "session", "workers"],
)
# Statistics come with the reports, as in the others.
@pytest.mark.by_default("alone")
def test_its_statistics_and_its_section_are_those_of_each_mode(
    run_with: RunWith, plugins: str, args: tuple[str, ...]
) -> None:
    run = run_with(
        plugins,
        FAILS.format(modes=MODES),
        QUICK,
        "--hypothesis-show-statistics",
        "--hypothesis-verbosity=verbose",
        *args,
    )
    for mode in MODES:
        assert f"test_it.py::test_fails[{mode}]:\n" in run.output, run.output
    assert run.output.count("during generate phase") + run.output.count("during reuse phase") >= len(MODES)
    assert run.output.count("- Hypothesis -") == len(MODES)
    assert "Captured stdout call" not in run.output


def test_its_deadline_and_its_health_checks_are_as_in_plain_pytest(run_with: RunWith) -> None:
    source = """
        import time
        import pytest
        from hypothesis import given, settings, strategies as st
        pytestmark = pytest.mark.foreign_thread(mode=["main", "new", "pool"])

        @settings(deadline=50, max_examples=3)
        @given(st.integers(0, 3))
        def test_slow(number):
            time.sleep(0.2)

        @settings(max_examples=3)
        @given(st.integers(0, 3))
        def test_fixture(tmp_path, number):
            pass

        @settings(max_examples=3, deadline=None)
        @given(number=st.integers(0, 3))
        @pytest.mark.parametrize("parameter", [1, 2])
        def test_sound(parameter, number):
            pass

        class TestInClass:
            @settings(max_examples=3, deadline=None)
            @given(st.integers(0, 3))
            def test_method(self, number):
                pass
    """
    run = run_with("hypothesispytest", source, QUICK)
    reported = {"slow": "DeadlineExceeded", "fixture": "FailedHealthCheck"}
    for mode in ("main", "new", "pool"):
        for name, error in reported.items():
            entry = run.tests[f"test_{name}[{mode}]"]
            assert (entry["outcome"], error in run.output) == ("failed", True), run.output
        names = [f"test_sound[1-{mode}]", f"test_sound[2-{mode}]", f"TestInClass::test_method[{mode}]"]
        assert [run.outcomes[name] for name in names] == ["passed"] * 3, run.output
    assert run.output.count("uses a function-scoped fixture") == 3


def test_a_crash_in_one_example_is_the_tests(run_with: RunWith) -> None:
    source = """
        import ctypes
        import pytest
        from hypothesis import given, strategies as st

        @pytest.mark.foreign_thread
        @given(st.booleans())
        def test_crashes(wanted):
            if wanted:
                ctypes.string_at(0)
    """
    run = run_with("hypothesispytest", source, QUICK)
    assert (run.outcomes, run.status) == ({"test_crashes": "segfault"}, 1), run.output
