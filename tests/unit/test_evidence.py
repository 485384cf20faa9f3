from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_foreignthread.evidence.hs_err import parse_fatal_error
from pytest_foreignthread.evidence.java_dump import parse_thread_dump
from pytest_foreignthread.evidence.merge import read_evidence
from pytest_foreignthread.evidence.native_dump import parse_native_dump
from pytest_foreignthread.evidence.python_dump import parse_python_dump
from pytest_foreignthread.model.records import Evidence
from pytest_foreignthread.model.stacks import JavaThread, Motion, PythonThread, Thread

DATA: Final = Path(__file__).parents[1] / "data"
TEXTS: Final[Mapping[str, str]] = {
    path.stem: path.read_text(encoding="utf-8") for path in sorted(DATA.glob("*.txt")) if path.stem != "README"
}
MAIN: Final = "MainThread"
ABORTED: Final = "Fatal Python error: Aborted"


def crash(name: str, names: Mapping[int, tuple[int, str]] | None = None) -> Evidence:
    """Return the evidence of a crash whose documents are of one process."""
    documents = {"hs_err": TEXTS[f"hs_err-{name}-25"], "python": TEXTS[f"python-{name}-3.11"]}
    return read_evidence(documents, names or {}, {})


def described(threads: tuple[PythonThread, ...]) -> list[tuple[str | None, int | None, bool]]:
    return [(thread.name, thread.native_id, thread.current) for thread in threads]


FOREIGN_ID: Final = 0x7FCAE44776C0
MAIN_ID: Final = 0x7FCB09A2DB80


def test_a_crash_on_a_java_thread() -> None:
    evidence = crash("java_thread", {MAIN_ID: (26379, MAIN), FOREIGN_ID: (26444, "foreign-1")})
    assert evidence.fatal_error == parse_fatal_error(TEXTS["hs_err-java_thread-25"])
    assert evidence.fatal_python_error == ABORTED
    assert described(evidence.python_threads) == [("foreign-1", 26444, True), (MAIN, 26379, False)]
    assert [frame.function for frame in evidence.python_threads[0].frames] == ["without_gil", "run"]
    assert [frame.function for frame in evidence.native_frames] == ["_PyType_Lookup"]
    (java,) = evidence.java_threads
    assert (java.name, java.native_id, java.current, java.state) == ("foreign-1", 26444, True, "_thread_in_native")
    assert java.frames[0].function == "org.jpype.proxy.JPypeProxy.hostInvoke"
    assert evidence.missing == {}


@pytest.mark.parametrize(
    ("told", "name"),
    [
        (None, "foreign-1"),
        ((26444, "by another name"[:14]), "by another nam"),
        ((26444, "fifteen bytes.."), "foreign-1"),
        ((26444, ""), "foreign-1"),
        ((11, "its ident given again"), "foreign-1"),
    ],
)
def test_the_name_of_the_thread_in_the_crashing_stack(told: tuple[int, str] | None, name: str) -> None:
    evidence = crash("java_thread", {FOREIGN_ID: told} if told else {})
    assert described(evidence.python_threads)[0] == (name, 26444, True)


def test_a_thread_in_the_crashing_stack_is_current_whatever_the_dump_says() -> None:
    dump = TEXTS["python-java_thread-3.11"].replace("Current thread 0x00007fcae4", "Thread 0x00007fcae4")
    dump = dump.replace("\nThread 0x00007fcb09", "\nCurrent thread 0x00007fcb09")
    evidence = read_evidence({"hs_err": TEXTS["hs_err-java_thread-25"], "python": dump}, {}, {})
    assert described(evidence.python_threads) == [("foreign-1", 26444, True), (None, None, False)]


def test_a_crash_on_the_main_thread() -> None:
    """Its id is no address of its stack; faulthandler's word stands."""
    evidence = crash("main", {0x7F75BEFEDB80: (26507, MAIN)})
    assert described(evidence.python_threads) == [(MAIN, 26507, True)]
    assert evidence.java_threads == (JavaThread("main", 26507, True, "_thread_in_native", ()),)


def test_a_crash_on_a_thread_of_pythons() -> None:
    evidence = crash("native_thread")
    assert described(evidence.python_threads) == [(None, 26815, True), (None, None, False)]
    assert evidence.java_threads == ()


def test_a_thread_of_pythons_is_not_called_by_a_name_reported_before() -> None:
    assert crash("native_thread", {0x7F7117FFF6C0: (12, "gone")}).python_threads[0].name is None


def test_a_crash_on_a_thread_of_hotspots() -> None:
    evidence = crash("vm_thread", {0x7FA3D7DEEB80: (26744, MAIN)})
    assert described(evidence.python_threads) == [(MAIN, 26744, False)]
    assert evidence.java_threads == ()
    assert [frame.library for frame in evidence.native_frames] == ["libc.so.6"]


@pytest.mark.parametrize("empty", ["", "\n"])
def test_hotspot_ended_the_process_without_abort(empty: str) -> None:
    evidence = read_evidence({"hs_err": TEXTS["hs_err-memory-25"], "python": empty}, {}, {})
    assert evidence.missing == {"python": "the dump is empty"}
    assert [thread.name for thread in evidence.java_threads] == ["foreign-1"]
    assert evidence.fatal_python_error is None


def test_a_dump_of_an_earlier_phase_is_not_the_crashs() -> None:
    asked_for = TEXTS["python-java_thread-3.11"].partition("\n\n")[2]
    evidence = read_evidence({"hs_err": TEXTS["hs_err-java_thread-25"], "python": asked_for}, {}, {})
    assert evidence.python_threads == ()
    assert evidence.missing == {"python": "the dump is older than the crash"}


# Of these the first thread is that of the callback.
FATAL_IDS: Final = {"3.10": 0x7F488104F6C0, "3.11": 0x7FD0A450B6C0, "3.12": 0x7FC34C6326C0, "3.13": 0x7F791B0AA6C0}


@pytest.mark.parametrize("version", FATAL_IDS)
def test_a_fatal_error_of_pythons_own(version: str) -> None:
    documents = {"python": "", "stderr": f"a word before{TEXTS[f'stderr-fatal_error-{version}']}"}
    evidence = read_evidence(documents, {FATAL_IDS[version]: (3, "foreign-1")}, {})
    assert evidence.fatal_python_error == "Fatal Python error: the test's own words"
    assert described(evidence.python_threads) == [("foreign-1", 3, True), (None, None, False)]
    assert evidence.python_threads[0].frames[0].function == "fatal_text"
    assert (evidence.missing, evidence.stderr) == ({}, documents["stderr"])


def test_a_process_that_the_test_started_died_of_a_fatal_error() -> None:
    documents = {"python": "", "stderr": TEXTS["stderr-fatal_error-3.11"]}
    evidence = read_evidence(documents, {1: (3, MAIN)}, {})
    assert (evidence.fatal_python_error, evidence.python_threads) == (None, ())
    assert evidence.missing == {"python": "the dump is empty"}


def test_faulthandlers_own_dump_comes_before_stderr() -> None:
    documents = {"python": TEXTS["python-segfault-3.13"], "stderr": TEXTS["stderr-fatal_error-3.13"]}
    evidence = read_evidence(documents, {}, {})
    assert evidence.fatal_python_error == ABORTED
    assert [thread.frames[0].function for thread in evidence.python_threads] == ["string_at", "on_java"]


def test_a_fatal_error_without_a_dump() -> None:
    evidence = read_evidence({"python": "", "stderr": "Fatal Python error: init: text\n"}, {1: (1, MAIN)}, {})
    assert evidence.fatal_python_error == "Fatal Python error: init: text"
    assert evidence.missing == {"python": "the dump is empty"}


def test_a_dump_at_an_exit() -> None:
    """`os._exit` in a test leaves a dump that was asked for: nothing but it says where."""
    evidence = read_evidence({"python": TEXTS["python-segfault-3.12"].partition("\n\n")[2], "stderr": ""}, {}, {})
    assert evidence.fatal_python_error is None
    assert [thread.current for thread in evidence.python_threads] == [True, False]


IN_MAP: Final = 0x7F61F8ADB6C0
BLOCKED: Final = 0x7F61F8CDB6C0
ON_VIRTUAL: Final = 0x7F61F88DB6C0
HANG_NAMES: Final = {
    0x7F622A4A1B80: (913, MAIN),
    BLOCKED: (941, "pool-1-thread-1"),
    ON_VIRTUAL: (945, "ForkJoinPool-1-"),
    IN_MAP: (943, "computing"),
}
HANG: Final = {"python_hang": TEXTS["python_hang-3.11"], "java_dump": TEXTS["java_dump-25"], "python": ""}


def test_a_hang() -> None:
    evidence = read_evidence(HANG, HANG_NAMES, {})
    assert described(evidence.python_threads) == [
        ("ForkJoinPool-1-worker-1", 945, False),
        ("computing", 943, False),
        (None, None, False),
        ("pool-1-thread-1", 941, False),
        (None, None, False),
        (None, None, False),
        (MAIN, 913, False),
    ]
    assert evidence.java_threads == parse_thread_dump(TEXTS["java_dump-25"])
    assert (evidence.fatal_error, evidence.fatal_python_error, evidence.native_frames) == (None, None, ())
    assert evidence.missing == {}


def test_both_sides_of_a_stuck_thread_share_its_native_id() -> None:
    evidence = read_evidence(HANG, HANG_NAMES, {})
    (python,) = [thread for thread in evidence.python_threads if thread.frames[0].function == "blocked"]
    (java,) = [thread for thread in evidence.java_threads if thread.native_id == python.native_id]
    assert (java.name, java.state) == ("pool-1-thread-1", "BLOCKED (on object monitor)")


def joined(evidence: Evidence) -> dict[str, Thread]:
    return {str(thread.name): thread for thread in evidence.threads}


def functions(thread: Thread) -> list[str]:
    return [frame.function or "" for frame in thread.frames]


def test_the_threads_of_a_hang_are_joined() -> None:
    evidence = read_evidence(HANG, HANG_NAMES, {}, subject=IN_MAP)
    threads = joined(evidence)
    assert evidence.threads[0] is threads["computing"]
    assert [thread.current for thread in evidence.threads] == [True, *[False] * (len(evidence.threads) - 1)]
    # The dump has a virtual thread as well, and Python three threads of which the child did not tell.
    assert len(evidence.threads) == len(evidence.java_threads) + 3
    pool = threads["pool-1-thread-1"]
    assert (pool.apart, pool.native_id, pool.python_id) == (None, 941, BLOCKED)
    order = ["java.util.Vector.add", "blocked", "org.jpype.proxy.JPypeProxy.hostInvoke", "java.lang.Thread.run"]
    assert [name for name in functions(pool) if name in order] == order


def test_what_the_threads_of_a_hang_wait_for() -> None:
    evidence = read_evidence(HANG, HANG_NAMES, {})
    threads = joined(evidence)
    waits = {name: [wait.what.rpartition(" ")[0] for wait in one.waits] for name, one in threads.items() if one.waits}
    assert waits == {
        MAIN: ["FutureTask"],
        "pool-1-thread-1": ["the monitor of Vector"],
        "pool-1-thread-2": ["ReentrantLock$NonfairSync"],
    }
    owner = threads["pool-1-thread-2"].waits[0].owner
    assert owner is not None
    assert evidence.threads[owner].name == 'holder "quoted" (odd)'


@pytest.mark.parametrize(
    ("later", "looks", "motion"),
    [
        ((), 1, None),
        (("_2",), 2, Motion.STILL),
        (("_2", "_3"), 3, Motion.STILL),
        (("_3",), 2, Motion.STILL),
    ],
)
def test_the_looks_at_a_hang(later: tuple[str, ...], looks: int, motion: Motion | None) -> None:
    documents = {f"{name}{look}": HANG[name] for look in later for name in ("python_hang", "java_dump")}
    evidence = read_evidence({**HANG, **documents}, HANG_NAMES, {})
    assert (evidence.looks, joined(evidence)["pool-1-thread-1"].motion) == (looks, motion)


def test_a_thread_that_moved_between_the_looks() -> None:
    later = HANG["python_hang"].replace("in blocked", "in freed")
    evidence = read_evidence({**HANG, "python_hang_2": later, "java_dump_2": HANG["java_dump"]}, HANG_NAMES, {})
    threads = joined(evidence)
    assert (threads["pool-1-thread-1"].motion, threads[MAIN].motion) == (Motion.MOVING, Motion.STILL)
    assert [frame.function for frame in threads["pool-1-thread-1"].seen] == ["blocked", "freed"]


@pytest.mark.parametrize("version", [17, 25])
def test_the_owner_of_a_monitor_that_jni_holds(version: int) -> None:
    evidence = read_evidence({"java_dump": TEXTS[f"java_dump-deadlock-{version}"]}, {}, {})
    owners = [joined(evidence)[f"foreign-{number}"].waits[0].owner for number in (1, 2, 3, 4)]
    assert [evidence.threads[owner].name for owner in owners if owner is not None] == [
        f"foreign-{number}" for number in (4, 3, 2, 1)
    ]


def test_the_threads_of_a_crash_are_joined() -> None:
    evidence = crash("java_thread", {MAIN_ID: (26379, MAIN), FOREIGN_ID: (26444, "foreign-1")})
    assert [(thread.name, thread.current) for thread in evidence.threads] == [("foreign-1", True), (MAIN, False)]
    assert functions(evidence.threads[0]) == [
        *("_PyType_Lookup", "without_gil", "run", "org.jpype.proxy.JPypeProxy.hostInvoke"),
        *("org.jpype.proxy.JPypeProxy.invoke", "jdk.proxy2.$Proxy6.run"),
        *("java.lang.Thread.runWith", "java.lang.Thread.run"),
    ]
    assert evidence.threads[0].apart is None


def test_what_pystack_saw_of_a_crash() -> None:
    """It looks while HotSpot runs `-XX:OnError` in the handler of the signal."""
    dump = TEXTS["native-segfault-25"]
    native_id = next(thread.native_id for thread in parse_native_dump(dump) if thread.name == "foreign-1")
    fatal = TEXTS["hs_err-java_thread-25"].replace("26444", str(native_id))
    evidence = read_evidence({"hs_err": fatal, "native": dump}, {}, {})
    crashed = evidence.threads[0]
    assert (crashed.current, crashed.native_id) == (True, native_id)
    assert functions(crashed)[0] == "get_type_cache"
    assert "call_a_bad_pointer" in functions(crashed)
    assert evidence.native_threads == parse_native_dump(dump)


def test_no_thread_of_a_hang_is_current() -> None:
    """The signal was aimed at the main thread here."""
    dump = TEXTS["python_hang-3.11"].replace("Thread 0x00007f622a", "Current thread 0x00007f622a")
    evidence = read_evidence({"python_hang": dump}, {}, {"java_dump": "no JVM was running"})
    assert [thread.current for thread in evidence.python_threads] == [False] * 7
    assert evidence.missing == {"java_dump": "no JVM was running"}


def test_a_hang_after_a_null_result() -> None:
    """The dump which the null result left is not the hang's, nor is what another process says on stderr."""
    documents = {"python": TEXTS["python-segfault-3.12"].partition("\n\n")[2], "stderr": ABORTED + "\n"}
    evidence = read_evidence(documents, {}, {"python_hang": "no thread takes the signal"})
    assert evidence == Evidence(missing={"python_hang": "no thread takes the signal"}, stderr=documents["stderr"])


@pytest.mark.parametrize(
    ("documents", "functions"),
    [
        ({"hs_err": TEXTS["hs_err-java_thread-25"], "python": TEXTS["python-java_thread-3.11"]}, ["without_gil"]),
        ({"hs_err": TEXTS["hs_err-memory-25"]}, []),
        ({"python": TEXTS["python-segfault-3.13"]}, ["string_at"]),
    ],
)
def test_a_child_that_died_by_itself_while_it_was_looked_at(documents: dict[str, str], functions: list[str]) -> None:
    evidence = read_evidence({**HANG, **documents}, {}, {})
    assert [thread.frames[0].function for thread in evidence.python_threads if thread.current] == functions
    assert [thread.current for thread in evidence.java_threads] == [True] * ("hs_err" in documents)


@pytest.mark.parametrize(
    ("documents", "missing"),
    [
        ({}, {}),
        ({"python": ""}, {"python": "the dump is empty"}),
        ({"python": "words\n"}, {"python": "not a faulthandler dump"}),
        ({"python": TEXTS["python-segfault-3.13"], "hs_err": ""}, {"hs_err": "the file is empty"}),
        ({"python": TEXTS["python-segfault-3.13"], "hs_err": "words\n"}, {"hs_err": "not a HotSpot error log"}),
        (
            {"python_hang": "", "java_dump": "\n"},
            {"python_hang": "the dump is empty", "java_dump": "the dump is empty"},
        ),
        (
            {"python_hang": "words\n", "java_dump": "words\n", "python": ""},
            {"python_hang": "not a faulthandler dump", "java_dump": "not a HotSpot thread dump"},
        ),
    ],
)
def test_documents_that_say_nothing(documents: dict[str, str], missing: dict[str, str]) -> None:
    assert read_evidence(documents, {}, {}).missing == missing


def test_a_reason_that_was_given_stays() -> None:
    given_reason = {"python_hang": "faulthandler did not end its dump in time"}
    assert read_evidence({"python_hang": "Thr"}, {}, given_reason).missing == given_reason


def test_output_passes_through() -> None:
    evidence = read_evidence({"stdout": "out", "stderr": "err"}, {}, {})
    assert (evidence.stdout, evidence.stderr) == ("out", "err")


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A real document with its end or some of its lines gone, or two of them in one, or any text at all."""
    text = draw(st.sampled_from(sorted(TEXTS.values())))
    kind = draw(st.sampled_from(["cut", "lines", "joined", "bytes", "any"]))
    if kind == "cut":
        return text[: draw(st.integers(0, len(text)))]
    if kind == "lines":
        lines = text.splitlines(keepends=True)
        gone = draw(st.sets(st.integers(0, len(lines) - 1), min_size=1, max_size=20))
        return "".join(line for index, line in enumerate(lines) if index not in gone)
    if kind == "joined":
        return text[: draw(st.integers(0, len(text)))] + draw(st.sampled_from(sorted(TEXTS.values())))
    if kind == "bytes":
        data = bytearray(text.encode())
        for index in draw(st.lists(st.integers(0, len(data) - 1), max_size=20)):
            data[index] = draw(st.integers(0, 255))
        return data.decode("utf-8", "replace")
    return draw(st.text(max_size=200))


LOOKS: Final = tuple(
    f"{name}{look}" for name in ("python_hang", "java_dump", "os_threads") for look in ("", "_2", "_3")
)
DOCUMENTS: Final = ("python", "hs_err", "native", "stdout", "stderr", *LOOKS)


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(st.sampled_from(DOCUMENTS), damaged()))
@example(dict.fromkeys(DOCUMENTS, "#\n# A fatal error has been detected by the Java Runtime Environment"))
@example({"python": f'Thread 0x{"f" * 40} (most recent call first):\n  File "", line {"9" * 5000} in f\n'})
@example({"java_dump": f'"" #1 [{"9" * 5000}] tid=0x0 nid={"9" * 5000}\n\tat a(b:{"9" * 5000})\n'})
@example(
    {"hs_err": f"# There is insufficient memory for the Java Runtime Environment to continue.\n# tid={'9' * 5000}\n"}
)
def test_no_document_raises(documents: dict[str, str]) -> None:
    evidence = read_evidence(documents, {MAIN_ID: (26379, MAIN)}, {})
    assert isinstance(evidence, Evidence)
    assert evidence.stderr == documents.get("stderr", "")
    assert [thread.current for thread in evidence.threads[1:]].count(True) == 0


@settings(deadline=None, max_examples=60)
@given(st.data())
@pytest.mark.parametrize("name", [name for name in TEXTS if name.startswith("hs_err")])
def test_a_torn_error_log_says_nothing_else(name: str, data: st.DataObject) -> None:
    whole = parse_fatal_error(TEXTS[name])
    torn = parse_fatal_error(TEXTS[name][: data.draw(st.integers(0, len(TEXTS[name])))])
    if whole is None or torn is None:
        assert torn is None
        return
    for field in dataclasses.fields(torn):
        if field.name not in ("message", "native_frames", "java_frames"):
            assert getattr(torn, field.name) in (None, False, getattr(whole, field.name))
    assert torn.native_frames == whole.native_frames[: len(torn.native_frames)]
    assert torn.java_frames == whole.java_frames[: len(torn.java_frames)]


@settings(deadline=None, max_examples=60)
@given(st.data())
@pytest.mark.parametrize("name", [name for name in TEXTS if name.startswith("java_dump")])
def test_a_torn_java_dump_says_nothing_else(name: str, data: st.DataObject) -> None:
    whole = parse_thread_dump(TEXTS[name])
    torn = parse_thread_dump(TEXTS[name][: data.draw(st.integers(0, len(TEXTS[name])))])
    assert torn[:-1] == whole[: max(0, len(torn) - 1)]
    for last, same in zip(torn[-1:], whole[len(torn) - 1 :], strict=False):
        assert (last.name, last.native_id) == (same.name, same.native_id)
        assert last.frames == same.frames[: len(last.frames)]
        assert last.locks == same.locks[: len(last.locks)]


@settings(deadline=None, max_examples=60)
@given(st.data())
@pytest.mark.parametrize("name", [name for name in TEXTS if name.startswith(("python", "stderr"))])
def test_a_torn_python_dump_says_nothing_else(name: str, data: st.DataObject) -> None:
    whole = parse_python_dump(TEXTS[name]).threads
    torn = parse_python_dump(TEXTS[name][: data.draw(st.integers(0, len(TEXTS[name])))]).threads
    assert torn[:-1] == whole[: max(0, len(torn) - 1)]
    for last, same in zip(torn[-1:], whole[len(torn) - 1 :], strict=False):
        assert (last.id, last.current) == (same.id, same.current)
        assert last.frames == same.frames[: len(last.frames)]


WRITING: Final = TEXTS["hs_err-java_thread-25"].replace("_PyType_Lookup", "dump_traceback")
TORN_ABORT: Final = f"{ABORTED}\n\nThread 0x0000000000000007 (most recent call first):\n"


def test_hotspot_reports_a_fault_in_faulthandlers_own_dump() -> None:
    evidence = read_evidence({"hs_err": WRITING, "python": TORN_ABORT}, {}, {})
    fatal = evidence.fatal_error
    assert fatal is not None
    assert (fatal.signal, fatal.problematic_frame, fatal.native_frames) == ("SIGABRT", None, ())
    assert (fatal.thread, fatal.native_id) == ("foreign-1", 26444)


@pytest.mark.parametrize(
    "documents",
    [{"hs_err": WRITING}, {"hs_err": TEXTS["hs_err-java_thread-25"], "python": TORN_ABORT}],
    ids=["nothing was being written", "elsewhere"],
)
def test_any_other_fault_is_as_hotspot_reports(documents: dict[str, str]) -> None:
    fatal = read_evidence(documents, {}, {}).fatal_error
    assert fatal is not None
    assert fatal.signal == "SIGSEGV"


NATIVE_OF_MAIN: Final = (
    "Traceback for thread 42 (python) [] (most recent call last):\n"
    '    (C) File "x.c", line 5, in exit (/usr/lib/libc.so.6)\n'
    '    (C) File "x.c", line 7, in pause (/usr/lib/libc.so.6)\n'
)


def test_pystack_shows_the_main_thread_where_python_writes_no_stack() -> None:
    evidence = read_evidence({"native": NATIVE_OF_MAIN}, {8: (42, MAIN)}, {"python_hang": "nobody answered"}, subject=8)
    assert [(thread.name, thread.current, bool(thread.frames)) for thread in evidence.threads] == [(MAIN, True, True)]
