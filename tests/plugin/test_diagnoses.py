"""Each page of docs/diagnoses: its example earns the diagnosis, its output is current; what looks like it does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from ..docs_pages import Shown, run_in_root, shown, variables
from .conftest import ENDLESS, current_thread, functions

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "diagnoses"
NEAR_MISSES = Path(__file__).parent / "near_misses"
MISSES = "test_a_near_miss_does_not_earn_it"
# No record tells of them: the one is of the pytest process, the other takes a control group of its own.
WITHOUT_A_RECORD = ("jvm-before-fork", "oom-killed")


HANGS_THREADS = sys.version_info >= (3, 14)
"""Whether Python stops a thread that calls it at the end; older releases end the thread."""


class Expected(NamedTuple):
    """`thread` and `frame` are None for a failure of which pytest's traceback tells."""

    code: str
    test: str
    outcomes: tuple[str, ...]
    thread: str | None = None
    frame: str | None = None


EXPECTED = [
    Expected("aborted", "test_exception_that_nobody_catches", ("crash",), "MainThread", "abort"),
    Expected("aborted", "test_assertion_in_c", ("crash",), "MainThread", "test_assertion_in_c"),
    Expected(
        "callback-at-exit",
        "test_pool_lives_until_the_end",
        ("hang",) if HANGS_THREADS else ("crash",),
        "MainThread" if HANGS_THREADS else "pool-worker",
        None if HANGS_THREADS else "abort",
    ),
    Expected(
        "collected-proxy",
        "test_callback_that_nobody_keeps",
        ("segfault",),
        "foreign-1",
        "test_callback_that_nobody_keeps",
    ),
    Expected("context-lost", "test_set_by_a_fixture[native]", ("failed",)),
    Expected("context-lost", "test_set_by_a_fixture[new]", ("failed",)),
    Expected("context-lost", "test_set_by_the_callback_before", ("failed",)),
    Expected("context-lost", "test_decimal", ("failed",)),
    Expected("deep-recursion", "test_recursion_limit_above_the_stack", ("segfault", "crash"), "foreign-1", "down"),
    Expected("dummy-thread", "test_waits_for_the_thread[native]", ("failed",)),
    Expected("dummy-thread", "test_waits_for_the_thread[new]", ("failed",)),
    Expected("event-loop", "test_loop_waits_for_its_callback", ("hang",), "foreign-1", "_run_once"),
    Expected("event-loop", "test_coroutine_blocks_its_own_loop", ("hang",), "native-1", "_run_once"),
    Expected(
        "event-loop",
        "test_coroutine_waits_in_java",
        ("hang",),
        "foreign-1",
        "java.util.concurrent.CompletableFuture.get",
    ),
    Expected("exited", "test_python_leaves", ("crash",), "foreign-1", "test_python_leaves"),
    Expected("exited", "test_java_leaves", ("crash",)),
    Expected("exited", "test_java_halts", ("crash",)),
    Expected("fatal-error", "test_extension_gives_up", ("crash",), "foreign-1", "test_extension_gives_up"),
    Expected("forked-jvm", "test_process_that_is_forked", ("hang",), "foreign-1", "test_process_that_is_forked"),
    Expected("forked-lock", "test_process_that_is_forked_while_a_thread_has_the_lock", ("hang",), "native-1", "poll"),
    Expected("gil-deadlock", "test_waits_in_java", ("hang",), "foreign-1", "java.util.Vector.hashCode"),
    Expected("gil-deadlock", "test_waits_in_c", ("hang",), "foreign-1", "test_waits_in_c"),
    Expected("gil-held", "test_call_that_sleeps_with_the_gil", ("hang",), "foreign-1", "sleep"),
    Expected("import-lock", "test_module_waits_for_a_callback_that_imports_it", ("hang",), "foreign-1", "<module>"),
    Expected("jni-misuse", "test_a_reference_of_another_thread", ("crash",), "foreign-1", "class_of"),
    Expected("jni-misuse", "test_an_environment_of_another_thread", ("crash",), "foreign-1", "new_string"),
    Expected("java-heap", "test_exception", ("failed",)),
    Expected("java-heap", "test_exit", ("crash",)),
    Expected("java-heap", "test_crash", ("crash",), "foreign-1", "allocate"),
    Expected("java-stack-overflow", "test_thread_with_a_small_stack", ("segfault",), "foreign-1", "down"),
    Expected("late-callback", "test_callback_outlives_the_test", ("segfault",), "pool-1-thread-1", "callback"),
    Expected("late-callback", "test_callback_outlives_its_caller", ("segfault",), "pool-1-thread-1", "callback"),
    Expected("lock-and-future", "test_callback_wants_the_lock", ("hang",), "foreign-1", "result"),
    Expected("lock-and-future", "test_java_future", ("hang",), "foreign-1", "java.util.concurrent.FutureTask.get"),
    Expected("lock-and-future", "test_monitor", ("hang",), "foreign-1", "java.util.concurrent.FutureTask.get"),
    Expected(
        "lock-and-future", "test_task_of_another_pool", ("hang",), "foreign-1", "java.util.concurrent.FutureTask.get"
    ),
    Expected("main-thread-only", "test_signal", ("failed",)),
    Expected("main-thread-only", "test_wakeup_fd", ("failed",)),
    Expected("main-thread-only", "test_event_loop", ("failed",)),
    Expected("main-thread-only", "test_signal_handler_of_a_loop", ("failed",)),
    Expected(
        "memory-misuse", "test_a_buffer_that_is_too_small", ("crash",), "foreign-1", "test_a_buffer_that_is_too_small"
    ),
    Expected("memory-misuse", "test_a_buffer_that_is_freed_twice", ("segfault", "crash"), "native-1"),
    Expected("memory-misuse", "test_an_object_without_a_reference[native]", ("segfault",), "native-1"),
    Expected("memory-misuse", "test_an_object_without_a_reference[new]", ("segfault",), "foreign-1"),
    Expected("mixed-deadlock", "test_monitor_taken_in_python", ("hang",), "foreign-1", "test_monitor_taken_in_python"),
    Expected(
        "mixed-deadlock", "test_callback_of_a_synchronized_method", ("hang",), "foreign-1", "java.util.Vector.size"
    ),
    Expected("monitor-deadlock", "test_two_monitors", ("hang",), "foreign-1", "in_both"),
    Expected(
        "monitor-deadlock", "test_two_locks", ("hang",), "foreign-1", "java.util.concurrent.locks.ReentrantLock.lock"
    ),
    Expected("native-crash", "test_a_bad_pointer_for_zlib", ("segfault",), "foreign-1", "test_a_bad_pointer_for_zlib"),
    Expected("no-gil", "test_the_gil_is_released", ("segfault",), "foreign-1", "test_the_gil_is_released"),
    Expected("no-gil", "test_java_thread_that_python_does_not_know", ("segfault",), "Thread-1", "java.lang.Thread.run"),
    Expected("null-result", "test_java_exception_is_dropped", ("null_result",), "foreign-1"),
    Expected(
        "pool-starvation",
        "test_tasks_wait_for_tasks_of_their_pool",
        ("hang",),
        "MainThread",
        "java.util.concurrent.FutureTask.get",
    ),
    Expected("pool-starvation", "test_the_pool_of_the_plugin", ("hang",), "pool-1-thread-1", "nested"),
    Expected("result-with-exception", "test_destructor_leaves_an_exception", ("null_result",), "foreign-1"),
    Expected(
        "java-thread-keeps-running",
        "test_pool_is_not_shut_down",
        ("hang",),
        "MainThread",
        "_JTerminate",
    ),
    Expected("thread-keeps-running", "test_writer_of_a_log", ("hang",), "MainThread", "_shutdown"),
    Expected("thread-keeps-running", "test_task_of_an_executor", ("hang",), "MainThread", "_shutdown"),
    Expected("self-deadlock", "test_method_that_calls_another", ("hang",), "foreign-1", "add"),
    Expected("self-deadlock", "test_thread_that_joins_itself", ("hang",), "foreign-1", "java.lang.Thread.join"),
    Expected("signals-blocked", "test_process_that_is_to_end", ("hang",), "native-1", "wait"),
    Expected("signals-blocked", "test_process_of_a_java_thread", ("hang",), "foreign-1", "wait"),
    Expected("small-stack", "test_fifty_levels[native]", ("segfault",), "native-1", "walk"),
    Expected("small-stack", "test_fifty_levels_beside_a_jvm", ("segfault",), "native-1", "walk"),
    Expected("thread-affine", "test_local", ("failed",)),
    Expected("thread-affine", "test_connection", ("failed",)),
    Expected("thread-local-lost", "test_connection_of_the_callback_before", ("failed",)),
    Expected("thread-local-lost", "test_two_tasks_of_a_java_pool", ("failed",)),
]
CODES = sorted({expected.code for expected in EXPECTED})


class PageRun(NamedTuple):
    shown: Shown
    tests: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def page_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PageRun]:
    """Filled page by page: each page's command runs once, for its output and for its records."""
    return {}


@pytest.fixture
def page_run(request: pytest.FixtureRequest, page_runs: dict[str, PageRun], tmp_path: Path) -> PageRun:
    code = request.getfixturevalue("code")
    if code not in page_runs:
        report = tmp_path / "report.json"
        text = shown(PAGES / f"{code}.md", f"--foreign-thread-report={report}")
        page_runs[code] = PageRun(text, _entries(report))
    return page_runs[code]


def _run(arguments: list[str], report: Path) -> subprocess.CompletedProcess[str]:
    return run_in_root(arguments, {**os.environ, **variables(f"--foreign-thread-report={report}")})


def _entries(report: Path) -> dict[str, dict[str, Any]]:
    tests = json.loads(report.read_text(encoding="utf-8"))["tests"]
    return {entry["nodeid"].rpartition("/")[2]: entry for entry in tests}


def test_every_rule_has_a_page_and_every_page_a_test() -> None:
    assert sorted(page.stem for page in PAGES.glob("*.md")) == sorted([*CODES, *WITHOUT_A_RECORD, "index", "none"])


@pytest.mark.parametrize(("code", "expected"), [(expected.code, expected) for expected in EXPECTED])
def test_the_example_earns_the_diagnosis(code: str, expected: Expected, page_run: PageRun) -> None:
    entry = page_run.tests[f"test_{code.replace('-', '_')}.py::{expected.test}"]
    if entry["diagnosis"] is None:
        pytest.fail(json.dumps(entry, indent=1))
    assert (entry["diagnosis"]["code"], entry["outcome"] in expected.outcomes) == (code, True)
    if expected.thread is not None:
        assert current_thread(entry) == expected.thread
    if expected.frame is not None:
        assert expected.frame in functions(entry, "python", "java", "c", current=True)


@pytest.mark.parametrize("code", CODES)
def test_the_output_of_the_page_is_current(code: str, page_run: PageRun) -> None:
    assert page_run.shown.today == page_run.shown.page


@pytest.fixture(scope="module")
def near_misses(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Those of the cases that pytest selected; a test below needs the first one whatever it selected."""
    report = tmp_path_factory.mktemp("near_misses") / "report.json"
    cases = [item for item in request.session.items if isinstance(item, pytest.Function)]
    selected = {str(item.callspec.params["code"]) for item in cases if item.originalname == MISSES} | {"deep-recursion"}
    files = [str(NEAR_MISSES / f"test_{code.replace('-', '_')}.py") for code in sorted(selected)]
    _run(["-p", "no:cacheprovider", *files], report)
    return _entries(report)


@pytest.mark.parametrize("code", [*CODES, "jvm-before-fork"])
# tests/unit/test_diagnose_*.py have evidence that falls short of a rule; these are a few kinds of outcomes.
@pytest.mark.by_default("deep-recursion", "exited", "null-result", "pool-starvation")
def test_a_near_miss_does_not_earn_it(code: str, near_misses: dict[str, dict[str, Any]]) -> None:
    file = f"test_{code.replace('-', '_')}.py"
    found = {name: entry["diagnosis"] for name, entry in near_misses.items() if name.startswith(f"{file}::")}
    assert found
    assert [name for name, diagnosis in found.items() if diagnosis is not None and diagnosis["code"] == code] == []


def test_a_crash_that_leaves_nothing_says_what_may_be_the_reason(near_misses: dict[str, dict[str, Any]]) -> None:
    entry = near_misses["test_deep_recursion.py::test_silent_crash_without_recursion"]
    assert "HotSpot's handler of the signal did not run" in entry["missing"]["hs_err"]


def test_python_says_that_the_gil_is_missing(tmp_path: Path) -> None:
    """CPython 3.12 and later fault again while they say so, and the outcome is a segfault."""
    report = tmp_path / "report.json"
    _run(["docs/examples/diagnoses/test_no_gil.py", "-k", "says_so"], report)
    (entry,) = _entries(report).values()
    assert entry["outcome"] == ("crash" if sys.version_info < (3, 12) else "segfault")
    assert entry["diagnosis"]["code"] == "no-gil"
    assert "test_python_says_so" in functions(entry, "python", current=True)


ENDS_WITH_A_LOCK: Final = """
import threading
import jpype, pytest

lock = threading.Lock()

def take():
    with lock:
        pass

def ends(thread):
    with lock:
        thread.start()
        thread.join()

@pytest.mark.foreign_thread(mode="native", timeout=3)
def test_python():
    ends(threading.Thread(target=take, daemon=True))

@pytest.mark.foreign_thread(timeout=3)
def test_java(jvm):
    runnable = jpype.JProxy("java.lang.Runnable", dict={"run": take})
    ends(jvm.JClass("java.lang.Thread")(runnable, "feeder"))

@pytest.mark.foreign_thread(timeout=3)
def test_python_beside_a_jvm(jvm):
    ends(threading.Thread(target=take, daemon=True))
"""


def test_a_lock_is_held_while_the_end_of_a_thread_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(ENDS_WITH_A_LOCK)
    report = tmp_path / "report.json"
    _run(["-p", "no:cacheprovider", str(tmp_path / "test_it.py")], report)
    found = {name: (entry["outcome"], entry["diagnosis"]) for name, entry in _entries(report).items()}
    assert {name: outcome for name, (outcome, _) in found.items()} == dict.fromkeys(found, "hang")
    assert [diagnosis and diagnosis["code"] for _, diagnosis in found.values()] == ["lock-and-future"] * 3
    words = "a thread waits for the end of another, which waits for a lock"
    assert all(diagnosis["text"].startswith(words) for _, diagnosis in found.values())


def test_a_jvm_before_the_fork_is_named(tmp_path: Path) -> None:
    example = "docs/examples/diagnoses/test_jvm_before_fork.py"
    done = _run(["--foreign-thread-start=fork", example], tmp_path / "report.json")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "jvm-before-fork: a JVM runs in the pytest process already" in done.stdout + done.stderr


FILL_THE_MEMORY = """
import pytest

@pytest.mark.foreign_thread(jvm_args="-Xmx64m")
def test_fills_the_memory():
    kept = [b"x" * 2**20 for _ in range(4096)]
"""


def test_the_kernels_oom_killer_is_named(memory_group: Path, tmp_path: Path) -> None:
    (memory_group / "memory.limit_in_bytes").write_text(str(600 * 2**20))
    (tmp_path / "test_it.py").write_text(FILL_THE_MEMORY)
    report = tmp_path / "report.json"
    join = f"open({str(memory_group / 'cgroup.procs')!r}, 'w').write('0'); import pytest; pytest.main()"
    env = {**os.environ, **variables(f"--foreign-thread-report={report}")}
    subprocess.run(
        [sys.executable, "-c", join], cwd=tmp_path, env=env, capture_output=True, timeout=ENDLESS, check=False
    )
    (entry,) = _entries(report).values()
    assert (entry["outcome"], entry["signal"], entry["diagnosis"]["code"]) == ("crash", "SIGKILL", "oom-killed")
