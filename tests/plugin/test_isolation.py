"""Children that serve several tests: who lives in which, what a break means, and children ready ahead of need."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from .conftest import RunSuite, SuiteRun

CONFTEST: Final = """
    import os
    import pytest

    def note(*words):
        with open("notes", "a") as file:
            print(*words, file=file)

    @pytest.fixture(autouse=True)
    def noted(request):
        note(request.node.name, os.getpid())

    @pytest.fixture(scope="module")
    def on_module(request):
        note("up", "module", os.getpid())
        yield os.getpid()
        note("down", "module", os.getpid())

    @pytest.fixture(scope="session")
    def on_session():
        note("up", "session", os.getpid())
        yield os.getpid()
        note("down", "session", os.getpid())
"""
MODULE: Final = """
    import os
    import pytest

    pytestmark = pytest.mark.foreign_thread(mode="python")

    @pytest.mark.parametrize("number", range(3))
    def test_{name}(number, on_module, on_session):
        assert os.getpid() == on_module == on_session
"""


def notes(ran: SuiteRun) -> list[list[str]]:
    return [line.split() for line in (ran.folder / "notes").read_text().splitlines()]


def children(ran: SuiteRun) -> dict[str, str]:
    """Test → the pid of the child that it ran in."""
    return {words[0]: words[1] for words in notes(ran) if words[0].startswith("test_")}


def fixtures(ran: SuiteRun) -> list[str]:
    return [" ".join(words[:2]) for words in notes(ran) if words[0] in ("up", "down")]


TWO_MODULES: Final = {
    "conftest.py": CONFTEST,
    "test_a.py": MODULE.format(name="a"),
    "test_b.py": MODULE.format(name="b"),
}
MODULE_LIFE: Final = ["up session", "up module", "down module", "down session"]


@pytest.mark.parametrize(
    ("isolation", "alive", "lives"),
    [
        ("test", 6, 6 * MODULE_LIFE),
        ("module", 2, 2 * MODULE_LIFE),
        ("session", 1, ["up session", *2 * ["up module", "down module"], "down session"]),
    ],
)
@pytest.mark.parametrize("how", ["option", "ini"])
# A child for each test is what all other files have.
@pytest.mark.by_default("ini-module-2-lives1", "option-session-1-lives2")
def test_a_child_lives_as_long_as_it_is_asked_to(
    run_suite: RunSuite, isolation: str, alive: int, lives: list[str], how: str
) -> None:
    ini = {"pytest.ini": f"[pytest]\nforeign_thread_isolation = {isolation}\n"} if how == "ini" else {}
    option = [f"--foreign-thread-isolation={isolation}"] if how == "option" else []
    # Of two that are ready the later one may be done first, with nothing to say which.
    ran = run_suite({**TWO_MODULES, **ini}, "--foreign-thread-ready=0", *option)
    assert ran.closing_line == "6 passed"
    assert (len(set(children(ran).values())), fixtures(ran)) == (alive, lives)


def test_the_marker_says_for_its_own_tests(run_suite: RunSuite) -> None:
    ran = run_suite(
        {
            "conftest.py": CONFTEST,
            "test_it.py": """
                import pytest
                pytestmark = pytest.mark.foreign_thread(isolation="module")
                def test_a(): pass
                @pytest.mark.foreign_thread(isolation="test")
                def test_alone(): pass
                def test_b(): pass
                @pytest.mark.foreign_thread(jvm_args=["-Dx=y"])
                def test_own_jvm(jvm): assert jvm.JClass("java.lang.System").getProperty("x") == "y"
                def test_c(jvm): assert jvm.JClass("java.lang.System").getProperty("x") is None
            """,
        }
    )
    assert ran.closing_line == "5 passed"
    pids = children(ran)
    assert pids["test_a"] == pids["test_b"] == pids["test_c"]
    assert len(set(pids.values())) == 3


def test_each_mode_has_a_child_of_its_own(run_suite: RunSuite) -> None:
    """What a test leaves behind must not make it break in its next mode."""
    source = """
        import os
        import threading
        import pytest
        SEEN = []
        MODES = ["main", "same", "new", "pool", "virtual", "forkjoin", "scheduled", "python"]
        @pytest.mark.foreign_thread(mode=MODES)
        @pytest.mark.parametrize("number", [1, 2])
        def test_it(number, request, jvm):
            SEEN.append(request.node.name)
            assert len(SEEN) == number
            abroad = threading.get_native_id() != os.getpid()
            assert abroad == (request.node.callspec.id.split("-")[-1] not in ("main", "same"))
            pools = [t for t in jvm.JClass("java.lang.Thread").getAllStackTraces().keySet()
                     if t.getName().startsWith("pool-") and t.isAlive()]
            assert len(pools) <= 2, "the pools of tests before are closed"
    """
    ran = run_suite({"conftest.py": CONFTEST, "test_it.py": source}, "--foreign-thread-isolation=session")
    assert ran.closing_line == "16 passed"
    pids = children(ran)
    assert len(set(pids.values())) == 8
    assert {pids[f"test_it[1-{mode}]"] for mode in ("main", "new")} == {
        pids[f"test_it[2-{mode}]"] for mode in ("main", "new")
    }


@pytest.mark.parametrize("scope", ["module", "class"])
def test_in_each_mode_a_failed_teardown_is_the_last_users(run_suite: RunSuite, scope: str) -> None:
    """The next test of the run is one of another child, and needs the fixture; the child's own next test does not."""
    source = f"""
        import pytest
        @pytest.fixture(scope="{scope}")
        def wide():
            yield
            raise ValueError("no teardown")
        class TestIt:
            def test_user(self, wide): pass
    """
    suite = {"test_a.py": source, "test_b.py": "def test_bystander(): pass"}
    args = ("--foreign-thread-all", "--foreign-thread-modes=main,python", "--foreign-thread-isolation=session")
    ran = run_suite(suite, *args)
    assert ran.closing_line == "4 passed, 2 errors"
    for mode in ("main", "python"):
        assert f"ERROR test_a.py::TestIt::test_user[{mode}] - ValueError: no teardown" in ran.output


AFTER: Final = """
    import ctypes
    import time
    import pytest

    pytestmark = pytest.mark.foreign_thread(mode="python")
    STATE = []

    def test_first(): STATE.append(1)
    def test_fails(): assert not STATE
    def test_segfault_after():
        if STATE: ctypes.string_at(0)
    def test_fresh(): assert not STATE
    def test_segfault(): ctypes.string_at(0)
    def test_second(): STATE.append(1)
    @pytest.mark.foreign_thread(mode="python", timeout=1)
    def test_hang_after():
        if STATE: time.sleep(1000)
    def test_first_of_its_child(): ctypes.string_at(0)
    def test_third(): STATE.append(1)
    def test_null():
        if STATE: raise SystemError("<f> returned NULL without setting an exception")
    def test_last(): assert not STATE
"""


def test_a_break_retires_the_child_and_is_run_again_alone(run_suite: RunSuite) -> None:
    ran = run_suite(AFTER, "--foreign-thread-isolation=session")
    assert ran.outcomes == {
        **dict.fromkeys(["test_first", "test_fresh", "test_second", "test_third", "test_last"], "passed"),
        **dict.fromkeys(["test_segfault_after", "test_segfault", "test_first_of_its_child"], "segfault"),
        "test_fails": "failed",
        "test_hang_after": "hang",
        "test_null": "null_result",
    }
    alone = {name: entry["alone"] for name, entry in ran.tests.items() if entry["alone"]}
    assert {name: (one["outcome"], one["before"]) for name, one in alone.items()} == {
        "test_segfault_after": ("passed", ["test_it.py::test_first", "test_it.py::test_fails"]),
        "test_segfault": ("segfault", ["test_it.py::test_fresh"]),
        "test_hang_after": ("passed", ["test_it.py::test_second"]),
        "test_null": ("passed", ["test_it.py::test_third"]),
    }
    only_after = {name: entry["only_after"] for name, entry in ran.tests.items() if entry["alone"]}
    assert only_after == {
        "test_segfault_after": ["test_it.py::test_first"],
        "test_segfault": None,
        "test_hang_after": ["test_it.py::test_second"],
        "test_null": ["test_it.py::test_third"],
    }
    assert "\nalone: passes; breaks only after test_it.py::test_first\n" in ran.output
    assert ran.output.count("\nalone: also breaks (segfault in a child of its own)\n") == 1


def test_the_command_of_a_break_that_needs_others_shows_it_again(run_suite: RunSuite) -> None:
    first = run_suite(AFTER, "--foreign-thread-isolation=session", "-k", "first or segfault_after")
    rerun = first.tests["test_segfault_after"]["rerun"]
    assert rerun == ["test_it.py::test_first", "test_it.py::test_segfault_after", "--foreign-thread-isolation=session"]
    again = run_suite(AFTER, *rerun)
    assert again.closing_line == "1 passed, 1 segfault"


def test_a_death_between_two_tests_is_reported(run_suite: RunSuite) -> None:
    conftest = """
        import os
        import select
        def pytest_runtest_logfinish(nodeid):
            if not nodeid.endswith("test_leaves_a_thread"):
                return
            pidfd = os.pidfd_open(int(open("pid").read()))
            with open("go", "w"):
                pass
            assert select.select([pidfd], [], [], 60)[0]
            os.close(pidfd)
    """
    source = """
        import os, threading
        import pytest
        pytestmark = pytest.mark.foreign_thread(mode="python")

        def die():
            with open("go"):
                os.abort()

        def test_leaves_a_thread():
            os.mkfifo("go")
            with open("pid", "w") as file:
                file.write(str(os.getpid()))
            threading.Thread(target=die, daemon=True).start()
            assert 0, "after a failure the next test waits for the reports of this one"

        def test_next(): pass
        def test_after_it(): pass
    """
    ran = run_suite({"conftest.py": conftest, "test_it.py": source}, "--foreign-thread-isolation=session")
    assert ran.outcomes == {"test_leaves_a_thread": "failed", "test_next": "crash", "test_after_it": "passed"}
    assert ran.tests["test_next"]["phase"] == "setup"
    told = " ".join(ran.output.split())
    assert "alone: passes; broke after test_it.py::test_leaves_a_thread (the test did not break when" in told


def test_a_jvm_that_a_test_shut_down_is_no_ones_else(run_suite: RunSuite) -> None:
    source = """
        import pytest
        pytestmark = pytest.mark.foreign_thread(mode="main")
        def test_shuts_down(jvm): jvm.shutdownJVM()
        def test_next(jvm, foreign_thread): assert foreign_thread.call(lambda: 3, mode="new") == 3
    """
    ran = run_suite(source, "--foreign-thread-isolation=session")
    assert ran.closing_line == "2 passed, 1 warning"
    assert "the test left a JVM that was shut down: a new child serves the next test" in ran.output


def test_filters_and_warnings_are_each_tests_own(run_suite: RunSuite) -> None:
    source = """
        import warnings
        import pytest
        pytestmark = pytest.mark.foreign_thread(mode="python")
        @pytest.mark.filterwarnings("error")
        def test_strict():
            with pytest.raises(UserWarning): warnings.warn("a")
        def test_loose(): warnings.warn("told")
        @pytest.mark.filterwarnings("ignore")
        def test_deaf(): warnings.warn("not told")
        def test_loose_again(): warnings.warn("told again")
    """
    for option in ("--foreign-thread-isolation=session", "--foreign-thread-ready=2", "--foreign-thread-ready=0"):
        ran = run_suite(source, option)
        assert ran.closing_line == "4 passed, 2 warnings", option
        assert "UserWarning: told\n" in ran.output
        assert "UserWarning: told again\n" in ran.output


def test_a_failed_comparison_is_explained_in_every_test(run_suite: RunSuite) -> None:
    source = """
        import pytest
        pytestmark = pytest.mark.foreign_thread(mode="python")
        def test_a(): assert [1, 2] == [1, 3]
        def test_b(): assert [4, 5] == [4, 6]
    """
    ran = run_suite(source, "--foreign-thread-isolation=session")
    assert "At index 1 diff: 2 != 3" in ran.output
    assert "At index 1 diff: 5 != 6" in ran.output


def test_a_test_that_is_run_again_gets_another_child(run_suite: RunSuite) -> None:
    again = """
        def pytest_collection_modifyitems(items):
            items.extend([item for item in items if item.name == "test_twice"])
    """
    source = """
        import pytest
        pytestmark = pytest.mark.foreign_thread(mode="python")
        def test_twice(tmp_path): (tmp_path / "x").touch()
    """
    ran = run_suite({"conftest.py": again, "test_it.py": source}, "--foreign-thread-isolation=session")
    assert ran.closing_line == "2 passed"


def test_one_that_its_mark_keeps_from_running_leaves_the_next_to_the_same_child(run_suite: RunSuite) -> None:
    source = """
        import pytest
        pytestmark = pytest.mark.foreign_thread(mode="python")

        def test_a(): pass
        @pytest.mark.skip
        def test_skipped(): pass
        def test_b(): assert 0, "b"
        @pytest.mark.xfail(run=False)
        def test_not_run(): pass
        def test_c(): pass
    """
    ran = run_suite({"conftest.py": CONFTEST, "test_it.py": source}, "--foreign-thread-isolation=session")
    told = {"test_a": "passed", "test_skipped": "skipped", "test_b": "failed", "test_not_run": "xfailed"}
    assert ran.outcomes == {**told, "test_c": "passed"}, ran.output
    assert len(set(children(ran).values())) == 1


MIXED: Final = """
    import os
    import pytest

    foreign = pytest.mark.foreign_thread(mode="python")
    STARTED = os.getpid()

    def test_plain(on_module, on_session): assert os.getpid() == STARTED == on_module

    @foreign
    def test_foreign(on_module, on_session): assert os.getpid() != STARTED == on_module == on_session

    @foreign
    def test_foreign_too(on_module, on_session): assert on_module == STARTED

    def test_plain_too(on_module, on_session): assert on_module == STARTED
"""


@pytest.mark.parametrize("isolation", ["module", "session"])
def test_beside_ordinary_tests_each_fixture_is_torn_down_where_it_was_set_up(
    run_suite: RunSuite, isolation: str
) -> None:
    ran = run_suite(
        {"conftest.py": CONFTEST, "test_a.py": MIXED, "test_b.py": MIXED}, f"--foreign-thread-isolation={isolation}"
    )
    assert ran.closing_line == "8 passed"
    assert fixtures(ran) == ["up session", *2 * ["up module", "down module"], "down session"]


def test_a_run_that_stops_early_tears_down_what_the_child_has(run_suite: RunSuite) -> None:
    files = {**TWO_MODULES, "test_a.py": TWO_MODULES["test_a.py"].replace("assert os", "assert number < 1 and os")}
    ran = run_suite(files, "--foreign-thread-isolation=session", "-x")
    assert ran.closing_line == "1 failed, 1 passed"
    assert fixtures(ran) == MODULE_LIFE


def test_a_break_in_the_last_teardown_of_a_run_that_stops_is_an_outcome(run_suite: RunSuite) -> None:
    source = """
        import os
        import pytest
        pytestmark = pytest.mark.foreign_thread(mode="python")
        @pytest.fixture(scope="session")
        def dies_late():
            yield
            os.abort()
        def test_a(dies_late): assert 0
        def test_b(dies_late): pass
    """
    ran = run_suite(source, "--foreign-thread-isolation=session", "-x")
    assert ran.closing_line == "1 failed, 1 crash"
    assert "teardown of test_a" in ran.output


def test_xdist_workers_have_children_of_their_own(run_suite: RunSuite) -> None:
    ran = run_suite(TWO_MODULES, "--foreign-thread-isolation=session", "-n2", "--dist=loadfile")
    assert ran.closing_line == "6 passed"
    assert len(set(children(ran).values())) == 2
    assert sorted(fixtures(ran)) == sorted(2 * MODULE_LIFE)


READY: Final = """
    import os
    import time
    import pytest

    pytestmark = pytest.mark.foreign_thread(mode="new")

    @pytest.mark.parametrize("number", range(4))
    def test_it(number, tmp_path):
        assert os.listdir(tmp_path) == []
        print("out", number)
        assert number != {broken}, number
"""


@pytest.mark.parametrize("ready", [0, 1, 3])
# Without children that are ready each test has its own, as everywhere else.
@pytest.mark.by_default("3")
def test_children_that_were_ready_run_one_test_each(run_suite: RunSuite, ready: int) -> None:
    files = {"conftest.py": CONFTEST, "test_it.py": READY.format(broken=2)}
    ran = run_suite(files, f"--foreign-thread-ready={ready}")
    assert ran.closing_line == "1 failed, 3 passed"
    assert len(set(children(ran).values())) == 4
    assert re.search(r"Captured stdout call -+\nout 2\n=", ran.output)


def test_a_run_that_stops_leaves_none_that_were_ready(run_suite: RunSuite) -> None:
    source = """
        import os
        import pytest
        pytestmark = pytest.mark.foreign_thread(mode="new")
        def test_a():
            assert 0, os.getpgid(0)
        def test_b(): pass
        def test_c(): pass
        def test_d(): pass
    """
    conftest = """
        import os
        import subprocess
        def pytest_runtest_logfinish():
            listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(os.getpid())], capture_output=True, text=True)
            with open("children", "w") as file:
                file.write(listed.stdout)
    """
    ran = run_suite({"conftest.py": conftest, "test_it.py": source}, "--foreign-thread-ready=2", "-x")
    assert ran.closing_line == "1 failed"
    children = (ran.folder / "children").read_text().split()
    # `ps` is one of them.
    assert len(children) == 3
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)


def test_an_ordinary_test_in_between_is_seen(run_suite: RunSuite) -> None:
    source = """
        import pytest
        foreign = pytest.mark.foreign_thread(mode="python")
        STATE = []
        @foreign
        def test_a(): assert STATE == []
        @foreign
        def test_b(): assert STATE == []
        def test_plain(): STATE.append(1)
        @foreign
        def test_c(): assert STATE == [1]
        @foreign
        def test_d(): assert STATE == [1]
    """
    ran = run_suite(source, "--foreign-thread-ready=3")
    assert ran.closing_line == "5 passed"


AHEAD: Final = """
    import os
    import select
    import pytest

    LAST_OF_FIRST = "test_it.py::test_first[native]"

    def note(*words):
        with open("notes", "a") as file:
            print(*words, file=file)

    def pytest_sessionstart():
        if not os.path.exists("begun"):
            os.mkfifo("begun")

    @pytest.fixture(scope="session", autouse=True)
    def on_session():
        yield
        note("down", os.getpid())

    def pytest_runtest_logreport(report):
        note("report", report.nodeid.partition("::")[2], report.when)
        if report.nodeid == LAST_OF_FIRST and report.when == "teardown":
            at_teardown(report)
"""
AWAITS: Final = """
    def at_teardown(report):
        begun = os.open("begun", os.O_RDONLY | os.O_NONBLOCK)
        note("ahead", bool(select.select([begun], [], [], 60)[0]))
"""
STOPS: Final = """
    def pytest_collection_finish(session):
        global SESSION
        SESSION = session

    def at_teardown(report):
        SESSION.shouldstop = "enough"
"""
FIRST_AND_SECOND: Final = """
    import pytest

    pytestmark = pytest.mark.foreign_thread

    def test_first(): pass

    def test_second(request):
        with open("notes", "a") as file:
            print("body", request.node.name, file=file)
        if request.node.name == "test_second[main]":
            with open("begun", "w") as file:
                file.write("x")
"""
MATRIX: Final = (
    "--foreign-thread-modes=main,native",
    "--foreign-thread-jvm=none",
    "--foreign-thread-isolation=session",
)


def test_a_matrix_orders_the_next_test_ahead_in_the_child_of_its_mode(run_suite: RunSuite) -> None:
    """The reports of a test are written while the next one runs, and stay in order."""
    ran = run_suite({"conftest.py": AHEAD.rstrip() + "\n" + AWAITS, "test_it.py": FIRST_AND_SECOND}, *MATRIX)
    assert ran.closing_line == "4 passed"
    found = notes(ran)
    assert ["ahead", "True"] in found
    assert [one[1:] for one in found if one[0] == "report"] == [
        [f"test_{name}[{mode}]", when]
        for name in ("first", "second")
        for mode in ("main", "native")
        for when in ("setup", "call", "teardown")
    ]
    assert [one[1] for one in found if one[0] == "body"] == ["test_second[main]", "test_second[native]"]


def test_a_run_that_stops_tears_down_what_was_ordered_ahead(run_suite: RunSuite) -> None:
    """At most one body runs that nobody asked for any more, and the fixtures of both children come down."""
    ran = run_suite({"conftest.py": AHEAD.rstrip() + "\n" + STOPS, "test_it.py": FIRST_AND_SECOND}, *MATRIX)
    assert ran.closing_line == "2 passed"
    found = notes(ran)
    assert [one[1] for one in found if one[0] == "body"] in ([], ["test_second[main]"])
    assert len({one[1] for one in found if one[0] == "down"}) == 2


ENDED: Final = """
    import pathlib
    import time

    @pytest.fixture(autouse=True)
    def over():
        yield
        note("over", os.getpid())

    def at_teardown(report):
        SESSION.shouldstop = "enough"
        begun = os.open("begun", os.O_RDONLY | os.O_NONBLOCK)
        while (over := [line for line in open("notes") if line.startswith("over")])[2:] == []:
            time.sleep(0.01)
        status = pathlib.Path("/proc", over[2].split()[1], "stat")
        while status.read_text().rpartition(")")[2].split()[0] != "S":
            time.sleep(0.01)
"""
ENDLESS: Final = """
    def at_teardown(report):
        SESSION.shouldstop = "enough"
        select.select([os.open("begun", os.O_RDONLY | os.O_NONBLOCK)], [], [], 60)
"""


@pytest.mark.parametrize("case", ["ended", "endless", "endless on a foreign thread"])
def test_a_test_that_was_ordered_ahead_ends_by_itself_or_is_interrupted(run_suite: RunSuite, case: str) -> None:
    """An interrupt that comes when the test is over would end the child, and the fixtures with it."""
    stops = STOPS[: STOPS.index("    def at_teardown")]
    conftest = "\n".join([AHEAD.rstrip(), stops, ENDED if case == "ended" else ENDLESS])
    waits = "" if case == "ended" else "\n        threading.Event().wait()"
    suite = f"    import threading\n{FIRST_AND_SECOND.rstrip()}{waits}\n\n    def test_third(): pass\n"
    matrix: tuple[str, ...] = MATRIX
    if case == "endless on a foreign thread":
        # The last mode is the first one of the next test.
        conftest, suite = (
            text.replace("[native]", "[x]").replace("[main]", "[native]").replace("[x]", "[main]")
            for text in (conftest, suite)
        )
        matrix = ("--foreign-thread-modes=native,main", *MATRIX[1:])
    ran = run_suite({"conftest.py": conftest, "test_it.py": suite}, *matrix)
    assert ran.closing_line == "2 passed"
    assert len({one[1] for one in notes(ran) if one[0] == "down"}) == 2


@pytest.mark.parametrize("failing", ["assert 0", "pytest.skip()"], ids=["failed", "skipped"])
def test_nothing_is_ordered_ahead_after_a_test_that_did_not_pass(run_suite: RunSuite, failing: str) -> None:
    suite = FIRST_AND_SECOND.replace("def test_first(): pass", f"def test_first(): {failing}")
    stops = AHEAD.replace("[native]", "[main]").rstrip() + "\n" + STOPS
    ran = run_suite({"conftest.py": stops, "test_it.py": suite}, *MATRIX, "-x")
    assert [one for one in notes(ran) if one[0] == "body"] == []
