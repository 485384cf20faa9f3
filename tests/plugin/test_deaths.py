"""A child that dies or hangs, in every phase and every mode, is a named outcome of the phase it happened in."""

from __future__ import annotations

from itertools import product
from typing import Any, Final

import pytest

from .conftest import WITH_NATIVE_STACKS, SuiteRun, current_thread, functions, run_suite_in

PHASES: Final = ("setup", "call", "teardown")

SUITE: Final = """
    import ctypes, faulthandler, os, signal, threading
    import pytest

    def segfault():
        ctypes.string_at(0)

    def bus_error():
        import mmap, tempfile
        with tempfile.TemporaryFile() as file:
            file.truncate(mmap.PAGESIZE)
            mapped = mmap.mmap(file.fileno(), mmap.PAGESIZE)
            file.truncate(0)
            mapped[0]

    def hang():
        threading.Event().wait()

    def hang_with_the_gil():
        ctypes.PyDLL(None).pause()

    def abort():
        os.abort()

    def fatal_error():
        ctypes.pythonapi.Py_FatalError(b"the test's own words")

    def kill():
        os.kill(os.getpid(), signal.SIGKILL)

    def exit_0():
        os._exit(0)

    def exit_3():
        os._exit(3)

    def system_exit():
        import jpype
        jpype.JClass("java.lang.System").exit(4)

    def halt():
        import jpype
        jpype.JClass("java.lang.Runtime").getRuntime().halt(5)

    def null_result():
        raise SystemError("<built-in function f> returned NULL without setting an exception")

    def nothing():
        pass

    DEEDS = {name: value for name, value in globals().items() if callable(value)}

    @pytest.fixture
    def around(request, foreign_thread):
        phase, deed = request.node.callspec.params["phase"], request.node.callspec.params["deed"]
        print("written in setup")
        if phase == "setup":
            foreign_thread.call(DEEDS[deed], mode=MODE)
        yield
        print("written in teardown")
        if phase == "teardown":
            foreign_thread.call(DEEDS[deed], mode=MODE)
"""


# Body and fixtures on one thread and on two; "same" and "pool" are Java's way to either.
@pytest.fixture(
    scope="module",
    params=["main", "new", *(pytest.param(mode, marks=pytest.mark.thorough) for mode in ("same", "pool"))],
)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# How a process ends is the same on each thread, as the phases show.
@pytest.fixture(
    scope="module",
    params=["new", *(pytest.param(mode, marks=pytest.mark.thorough) for mode in ("main", "same", "pool"))],
)
def mode_of_kinds(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def suite(deeds: tuple[str, ...], phases: tuple[str, ...], mode: str) -> str:
    return (
        SUITE
        + f"""
    MODE = {mode!r}

    @pytest.mark.parametrize("phase", {phases!r})
    @pytest.mark.parametrize("deed", {deeds!r})
    @pytest.mark.foreign_thread(mode=MODE)
    @pytest.mark.usefixtures("jvm")
    def test_it(phase, deed, around):
        print("written in call")
        if phase == "call":
            DEEDS[deed]()
    """
    )


@pytest.fixture(scope="module")
def phases_run(tmp_path_factory: pytest.TempPathFactory, mode: str) -> SuiteRun:
    return run_suite_in(tmp_path_factory.mktemp("phases"), suite(("segfault", "exit_3", "null_result"), PHASES, mode))


@pytest.fixture(scope="module")
def hangs_run(tmp_path_factory: pytest.TempPathFactory, mode: str) -> SuiteRun:
    return run_suite_in(tmp_path_factory.mktemp("hangs"), suite(("hang",), PHASES, mode), "--foreign-thread-timeout=2")


@pytest.fixture(scope="module")
def stuck_gil_run(tmp_path_factory: pytest.TempPathFactory, mode: str) -> SuiteRun:
    folder = tmp_path_factory.mktemp("stuck_gil")
    # Its Python frames are in the native stacks only.
    arguments = ("--foreign-thread-timeout=2", WITH_NATIVE_STACKS)
    return run_suite_in(folder, suite(("hang_with_the_gil",), ("call",), mode), *arguments)


@pytest.fixture(scope="module")
def kinds_run(tmp_path_factory: pytest.TempPathFactory, mode_of_kinds: str) -> SuiteRun:
    deeds = (
        "bus_error",
        "abort",
        "fatal_error",
        "kill",
        "exit_0",
        "system_exit",
        "halt",
        "nothing",
    )
    return run_suite_in(tmp_path_factory.mktemp("kinds"), suite(deeds, ("call",), mode_of_kinds))


def entry(run: SuiteRun, deed: str, phase: str, mode: str) -> dict[str, Any]:
    found: dict[str, Any] = run.tests[f"test_it[{deed}-{phase}]"]
    assert found["mode"] == mode
    return found


OUTCOMES: Final = {"segfault": "segfault", "exit_3": "crash", "null_result": "null_result"}


@pytest.mark.parametrize(("deed", "phase"), list(product(OUTCOMES, PHASES)))
def test_the_outcome_and_its_phase(phases_run: SuiteRun, deed: str, phase: str, mode: str) -> None:
    found = entry(phases_run, deed, phase, mode)
    assert (found["outcome"], found["phase"], found["mode"]) == (OUTCOMES[deed], phase, mode)


@pytest.mark.parametrize("phase", PHASES)
def test_the_phase_of_a_hang(hangs_run: SuiteRun, phase: str, mode: str) -> None:
    found = entry(hangs_run, "hang", phase, mode)
    assert (found["outcome"], found["phase"], found["mode"]) == ("hang", phase, mode)


def test_a_death_in_teardown_keeps_the_call(phases_run: SuiteRun, hangs_run: SuiteRun) -> None:
    """The test whose teardown dies has passed its call."""
    assert sorted(phases_run.closing_line.split(", ")) == ["3 crash", "3 null_result", "3 passed", "3 segfault"]
    assert sorted(hangs_run.closing_line.split(", ")) == ["1 passed", "3 hang"]
    assert phases_run.status == 1


@pytest.mark.parametrize("phase", PHASES)
def test_a_segfault_has_its_frames_of_both_sides(phases_run: SuiteRun, phase: str, mode: str) -> None:
    found = entry(phases_run, "segfault", phase, mode)
    assert found["signal"] == "SIGSEGV"
    assert "libc" in found["problematic_frame"]
    assert functions(found, "python", current=True)[1] == "segfault"
    # The second of its kind in teardown: the body had the first.
    number = 2 if phase == "teardown" else 1
    main = {"main": "MainThread", "same": "MainThread"}
    expected = {**main, "new": f"foreign-{number}", "pool": f"pool-1-thread-{number}"}
    assert current_thread(found) == expected[mode]
    java_frames = functions(found, "java", current=True)
    assert ("java.util.concurrent.FutureTask.run" in java_frames) == (mode != "main")


@pytest.mark.parametrize("phase", PHASES)
def test_a_hang_has_the_stacks_of_both_sides(hangs_run: SuiteRun, phase: str, mode: str) -> None:
    found = entry(hangs_run, "hang", phase, mode)
    assert "hang" in functions(found, "python")
    assert functions(found, "java")
    assert found["message"] == "timed out after 2 s"


@pytest.mark.parametrize(
    ("deed", "outcome", "signal", "exit_code"),
    [
        ("bus_error", "segfault", "SIGBUS", None),
        ("abort", "crash", "SIGABRT", None),
        ("fatal_error", "crash", "SIGABRT", None),
        ("kill", "crash", "SIGKILL", None),
        ("exit_0", "crash", None, 0),
        ("system_exit", "crash", None, 4),
        ("halt", "crash", None, 5),
        ("nothing", "passed", None, None),
    ],
)
def test_every_kind_of_end(
    kinds_run: SuiteRun, deed: str, outcome: str, signal: str | None, exit_code: int | None, mode_of_kinds: str
) -> None:
    found = entry(kinds_run, deed, "call", mode_of_kinds)
    assert (found["outcome"], found["signal"], found["exit_code"]) == (outcome, signal, exit_code)


@pytest.mark.parametrize("deed", ["abort", "fatal_error", "exit_0"])
def test_python_stacks_of_other_ends(kinds_run: SuiteRun, deed: str, mode_of_kinds: str) -> None:
    found = entry(kinds_run, deed, "call", mode_of_kinds)
    assert deed in functions(found, "python")


def test_a_stuck_gil_hides_nothing(stuck_gil_run: SuiteRun, mode: str) -> None:
    """The stuck thread keeps the GIL in a C call: nothing inside the process could still speak for it."""
    found = entry(stuck_gil_run, "hang_with_the_gil", "call", mode)
    assert found["outcome"] == "hang"
    assert "hang_with_the_gil" in functions(found, "python")
    assert functions(found, "java")


def test_fatal_errors_say_their_text(kinds_run: SuiteRun, mode_of_kinds: str) -> None:
    assert "the test's own words" in entry(kinds_run, "fatal_error", "call", mode_of_kinds)["message"]


def test_the_thread_that_met_a_null_result(phases_run: SuiteRun, mode: str) -> None:
    """Its frames are unwound when it is known, and stand in the traceback; the dump tells the thread."""
    expected = {"main": "MainThread", "same": "MainThread", "new": "foreign-1", "pool": "pool-1-thread-1"}
    assert current_thread(entry(phases_run, "null_result", "call", mode)) == expected[mode]


def test_the_output_of_the_dead(phases_run: SuiteRun) -> None:
    """What the child wrote before it died is shown, phase by phase."""
    section = phases_run.output.partition("test_it[segfault-call] ___")[2].partition("\n____")[0]
    setup, call = section.index("written in setup"), section.index("written in call")
    assert section.index("Captured stdout setup") < setup < section.index("Captured stdout call") < call
