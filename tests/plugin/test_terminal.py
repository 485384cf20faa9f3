"""Each of segfault, hang, null_result and crash is a category of its own in pytest's terminal report."""

from __future__ import annotations

import re
from typing import Final

import pytest

from .conftest import RunSuite, SuiteRun, run_suite_in

HEAD: Final = """
    import ctypes, os, signal, threading
    import pytest

    pytestmark = pytest.mark.foreign_thread(mode="python")
"""
WITH_A_JVM: Final = ('mode="python"', 'mode="new"')
# Of a hang alone: a crash may take its time on a machine under load.
SHORT: Final = '@pytest.mark.foreign_thread(mode="python", timeout=1)'

BODIES: Final = {
    "segfault": "ctypes.string_at(0)",
    "hang": "threading.Event().wait()",
    "null_result": 'raise SystemError("<built-in function f> returned NULL without setting an exception")',
    "crash": "os._exit(3)",
}
LETTERS: Final = {"segfault": "S", "hang": "H", "null_result": "N", "crash": "C"}
WORDS: Final = {"segfault": "SEGFAULT", "hang": "HANG", "null_result": "NULL_RESULT", "crash": "CRASH"}
TITLES: Final = {"segfault": "SEGFAULTS", "hang": "HANGS", "null_result": "NULL RESULTS", "crash": "CRASHES"}

ONE_OF_EACH: Final = HEAD + "".join(
    f"""
    {SHORT if category == "hang" else ""}
    def test_{category}():
        print("printed by {category}")
        {body}
"""
    for category, body in BODIES.items()
)

PHASES: Final = (
    HEAD
    + """
    @pytest.fixture
    def dies_in_setup():
        os._exit(4)

    @pytest.fixture
    def dies_in_teardown():
        yield
        os._exit(5)

    def test_setup(dies_in_setup):
        pass

    def test_teardown(dies_in_teardown):
        print("printed by the call")

    def test_last():
        pass
"""
)

TWO: Final = (
    HEAD
    + """
    @pytest.fixture
    def around():
        print("printed by setup")
        yield
        print("printed by teardown")

    def test_null_result(around):
        print("printed by null_result")
        raise SystemError("f returned NULL without setting an exception")

    def test_crash():
        print("printed by crash")
        os.write(2, b"written by crash")
        os._exit(3)
"""
)


def summary_lines(run: SuiteRun) -> list[str]:
    return run.output.partition("= short test summary info =")[2].splitlines()[1:-1]


def section(output: str, title: str) -> str:
    """The text of one section, up to the next title of the same kind; empty without such a section."""
    found = re.search(rf"^=+ {title} =+$(.*?)^==", output, re.DOTALL | re.MULTILINE)
    return found[1] if found else ""


@pytest.fixture(scope="module")
def each(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    return run_suite_in(tmp_path_factory.mktemp("each"), ONE_OF_EACH.replace(*WITH_A_JVM))


def test_letters(each: SuiteRun) -> None:
    assert re.search(r"^test_it\.py SHNC +\[100%\]$", each.output, re.MULTILINE)


@pytest.mark.parametrize("category", BODIES)
def test_a_section_of_its_own(each: SuiteRun, category: str) -> None:
    text = section(each.output, TITLES[category])
    assert f"_ test_{category} _" in text
    assert f"printed by {category}\n" in text
    assert [other for other in BODIES if f"_ test_{other} _" in text] == [category]


def test_the_texts_of_the_sections(each: SuiteRun) -> None:
    assert "segfault on Java thread" in section(each.output, "SEGFAULTS")
    hang = section(each.output, "HANGS")
    head = r'^hang on Java thread ".+" in call: timed out after 1 s\nat: \S+:\d+: .+\nit did not move \(3 looks'
    assert re.search(head, hang, re.MULTILINE)
    assert "E       SystemError: <built-in function f> returned NULL" in section(each.output, "NULL RESULTS")
    assert re.search(r"-+ evidence -+\nnull_result in call, after ", section(each.output, "NULL RESULTS"))
    assert "in call: exited with status 3, after" in section(each.output, "CRASHES")


@pytest.mark.parametrize("category", ["segfault", "hang", "crash"])
def test_the_tail_stands_below_the_captured_output(each: SuiteRun, category: str) -> None:
    text = section(each.output, TITLES[category])
    *_, output, line, documents, command = text.rstrip().splitlines()
    assert output == f"printed by {category}"
    assert re.fullmatch("-+", line)
    assert documents.startswith("documents in ")
    assert command == f"rerun: pytest 'test_it.py::test_{category}'"
    assert text.count("documents in ") == text.count("rerun: ") == 1


def test_the_diagnosis_stands_above_the_threads(each: SuiteRun) -> None:
    lines = section(each.output, "CRASHES").splitlines()
    starts = (
        "crash on Java thread ",
        "diagnosis: exited: ",
        "  help: ",
        "  more: pytest --foreign-thread-explain=exited",
        "thread ",
        "printed by ",
    )
    places = [next(place for place, line in enumerate(lines) if line.startswith(start)) for start in starts]
    assert places == sorted(places)


def without_line(text: str) -> str:
    return re.sub(r"\btest_it\.py:\d+: ", "test_it.py:LINE: ", text)


def test_a_line_in_the_short_summary(each: SuiteRun) -> None:
    segfault, *others = summary_lines(each)
    assert re.match(r"SEGFAULT test_it\.py::test_segfault - test_it\.py:\d+: SIGSEGV in \S+", segfault)
    assert [without_line(line) for line in others] == [
        "HANG test_it.py::test_hang - test_it.py:LINE: timed out after 1 s",
        "NULL_RESULT test_it.py::test_null_result - null-result: "
        "<built-in function f> returned NULL without setting an exception",
        "CRASH test_it.py::test_crash - exited: test_it.py:LINE: exited with status 3 in call",
    ]


def test_the_closing_line_counts_each(each: SuiteRun) -> None:
    assert each.closing_line == "1 segfault, 1 hang, 1 null_result, 1 crash"
    assert each.status == 1


def test_neither_failures_nor_errors(each: SuiteRun) -> None:
    assert "= FAILURES =" not in each.output
    assert "= ERRORS =" not in each.output
    assert each.output.count("short test summary info") == 1


@pytest.mark.parametrize("category", BODIES)
# Each category has its colour from one table.
@pytest.mark.by_default("hang", "segfault")
def test_only_one_category_is_red(run_suite: RunSuite, category: str) -> None:
    limit = SHORT if category == "hang" else ""
    run = run_suite(f"{HEAD}\n    {limit}\n    def test_it():\n        {BODIES[category]}\n", "--color=yes")
    *_, last = run.output.strip().splitlines()
    assert re.match(r"\x1b\[31m=+ \x1b\[31m\x1b\[1m1 " + category + r"\x1b\[0m\x1b\[31m in ", last)
    assert f"test_it.py \x1b[31m{LETTERS[category]}\x1b[0m\x1b[31m " in run.output
    assert "\x1b[31m [100%]" in re.sub(" +", " ", run.output)
    assert f"\x1b[31m{WORDS[category]}\x1b[0m test_it.py::" in run.output


def test_red_beside_ordinary_outcomes(run_suite: RunSuite) -> None:
    run = run_suite(
        HEAD + "\n    def test_a():\n        pass\n\n    def test_b():\n        os._exit(3)\n"
        "\n    @pytest.mark.xfail\n    def test_c():\n        pass\n",
        "--color=yes",
    )
    *_, last = run.output.strip().splitlines()
    counted = "\x1b[32m1 passed\x1b[0m, \x1b[33m1 xpassed\x1b[0m, \x1b[31m\x1b[1m1 crash\x1b[0m"
    assert re.match(r"\x1b\[31m=+ " + re.escape(counted) + r"\x1b\[31m in ", last)


@pytest.fixture(scope="module")
def phases(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    return run_suite_in(tmp_path_factory.mktemp("phases"), PHASES, "-v")


def test_words_with_v(phases: SuiteRun) -> None:
    assert re.findall(r"^test_it\.py::(\w+) (\w+)", phases.output, re.MULTILINE) == [
        ("test_setup", "CRASH"),
        ("test_teardown", "PASSED"),
        ("test_teardown", "CRASH"),
        ("test_last", "PASSED"),
    ]


def test_the_phase_is_reported(phases: SuiteRun) -> None:
    text = section(phases.output, "CRASHES")
    assert "_ setup of test_setup _" in text
    assert "in setup: exited with status 4, after" in text
    assert "_ teardown of test_teardown _" in text
    assert "in teardown: exited with status 5, after" in text
    assert "printed by the call" in text


def test_a_crash_in_teardown_keeps_the_passed_call(phases: SuiteRun) -> None:
    assert phases.closing_line == "2 passed, 2 crash"
    assert [without_line(line) for line in summary_lines(phases)] == [
        "CRASH test_it.py::test_setup - exited: test_it.py:LINE: exited with status 4 in setup",
        "CRASH test_it.py::test_teardown - exited: test_it.py:LINE: exited with status 5 in teardown",
    ]


def test_the_whole_captured_output(run_suite: RunSuite) -> None:
    """As for a failure, with what the teardown wrote after it."""
    text = run_suite(TWO).output
    null = section(text, "NULL RESULTS")
    for phase, printed in (("setup", "setup"), ("call", "null_result"), ("teardown", "teardown")):
        assert re.search(rf"-+ Captured stdout {phase} -+\nprinted by {printed}\n", null)
    crash = section(text, "CRASHES")
    assert re.search(r"-+ Captured stdout call -+\nprinted by crash\n", crash)
    assert re.search(r"-+ Captured stderr call -+\nwritten by crash\n", crash)


def test_tb_no_and_q(run_suite: RunSuite) -> None:
    run = run_suite(TWO, "--tb=no", "-q")
    assert section(run.output, "CRASHES") == section(run.output, "NULL RESULTS") == ""
    assert len(summary_lines(run)) == 2
    assert re.fullmatch(r"1 null_result, 1 crash in [\d.]+s", run.output.strip().splitlines()[-1])


def test_tb_line_and_r_a(run_suite: RunSuite) -> None:
    run = run_suite(TWO, "--tb=line", "-rA")
    crash = without_line(section(run.output, "CRASHES").strip())
    assert crash == "test_it.py::test_crash: exited: test_it.py:LINE: exited with status 3 in call"
    assert section(run.output, "NULL RESULTS").strip() == (
        "test_it.py::test_null_result: null-result: f returned NULL without setting an exception"
    )
    assert len(summary_lines(run)) == 2


def test_tb_short_with_stdout_alone_and_durations(run_suite: RunSuite) -> None:
    run = run_suite(
        TWO.replace(*WITH_A_JVM), "--tb=short", "--show-capture=stdout", "--durations=0", "-vv", "--no-header"
    )
    assert "E   SystemError: f returned NULL" in section(run.output, "NULL RESULTS")
    crash = section(run.output, "CRASHES")
    assert "printed by crash" in crash
    assert "written by crash" not in crash
    assert re.search(r"^[\d.]+s call +test_it\.py::test_crash$", run.output, re.MULTILINE)
    (start,) = re.findall(r"^([\d.]+)s jvm +test_it\.py::test_crash$", run.output, re.MULTILINE)
    assert float(start) == pytest.approx(run.tests["test_crash"]["jvm_start"], abs=0.01)
    assert run.output.splitlines()[1] == "collecting ... collected 2 items"
    assert "foreign-thread: JVM" not in run.output


def test_tb_native_without_captured_output_or_summary_lines(run_suite: RunSuite) -> None:
    run = run_suite(TWO, "--tb=native", "--show-capture=no", "-rN")
    assert "Traceback (most recent call last):" in section(run.output, "NULL RESULTS")
    assert "in call: exited with status 3, after" in section(run.output, "CRASHES")
    assert "printed by" not in run.output
    assert "short test summary info" not in run.output
    assert run.closing_line == "1 null_result, 1 crash"


def test_no_summary(run_suite: RunSuite) -> None:
    run = run_suite(TWO, "--no-summary")
    assert "CRASH" not in run.output
    assert "NULL" not in run.output
    assert "short test summary info" not in run.output
    assert run.closing_line == "1 null_result, 1 crash"


def test_qq(run_suite: RunSuite) -> None:
    run = run_suite(TWO, "-qq")
    assert run.output.splitlines()[0].split() == ["NC", "[100%]"]
    assert len(run.output.partition("= short test summary info =")[2].splitlines()) == 3
    assert run.status == 1


def test_one_short_summary_beside_failures(run_suite: RunSuite) -> None:
    run = run_suite(TWO + "\n    def test_fails():\n        assert False\n")
    assert run.output.count("short test summary info") == 1
    assert [line.partition(" ")[0] for line in summary_lines(run)] == ["FAILED", "NULL_RESULT", "CRASH"]
    assert "_ test_fails _" in section(run.output, "FAILURES")
    assert run.closing_line == "1 failed, 1 null_result, 1 crash"


def test_without_terminal(run_suite: RunSuite) -> None:
    run = run_suite(TWO, "-p", "no:terminal")
    assert run.outcomes == {"test_null_result": "null_result", "test_crash": "crash"}
    assert (run.status, run.errors) == (1, "")


HANGS: Final = (
    HEAD
    + f"""
    {SHORT}
    def test_hang():
        print("printed by hang")
        threading.Event().wait()
"""
)
FOLDED: Final = re.compile(r"^  \(\d+ .+\)$|^\(and \d+ .+\)$", re.MULTILINE)


def threads_of(text: str) -> list[str]:
    return re.findall(r'^thread "(.+?)"', text, re.MULTILINE)


def test_all_threads_but_idle_ones_are_shown(each: SuiteRun) -> None:
    text = section(each.output, "HANGS")
    assert len(threads_of(text)) > 1
    assert threads_of(text)[1:] == ["MainThread"]
    assert re.search(r"^  \(\d+ frames of pytest and this plugin\)$", text, re.MULTILINE)
    assert re.search(r"^\(and \d+ idle threads\)$", text, re.MULTILINE)


def test_tb_short_shows_one_thread(run_suite: RunSuite) -> None:
    text = section(run_suite(HANGS.replace(*WITH_A_JVM), "--tb=short").output, "HANGS")
    assert len(threads_of(text)) == 1
    assert "in test_hang" in text
    assert re.search(r"^\(and \d+ more threads\)$", text, re.MULTILINE)


@pytest.mark.parametrize("args", [("-v",), ("-vv", "--tb=short")])
# The other has more words of the same.
@pytest.mark.by_default("args0")
def test_v_folds_nothing(run_suite: RunSuite, args: tuple[str, ...]) -> None:
    text = section(run_suite(HANGS.replace(*WITH_A_JVM), *args).output, "HANGS")
    assert FOLDED.findall(text) == []
    assert "MainThread" in threads_of(text)
    assert len(threads_of(text)) > 5


def test_no_line_of_the_tail_without_captured_output(run_suite: RunSuite) -> None:
    text = section(run_suite(HANGS, "--show-capture=no").output, "HANGS")
    assert re.search(r"^-+$", text, re.MULTILINE) is None
    assert text.rstrip().endswith("rerun: pytest 'test_it.py::test_hang'")


def test_the_diagnosis_and_the_threads_stand_out(run_suite: RunSuite) -> None:
    run = run_suite(f"{HEAD}\n    def test_it():\n        os._exit(3)\n", "--color=yes")
    assert re.search(r"^\x1b\[31m\x1b\[1mcrash on ", run.output, re.MULTILINE)
    assert re.search(r"^\x1b\[33m\x1b\[1mdiagnosis: exited: ", run.output, re.MULTILINE)
    assert re.search(r"^\x1b\[1mthread ", run.output, re.MULTILINE)
