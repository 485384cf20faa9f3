from __future__ import annotations

from typing import Final

import pytest

from pytest_foreignthread.evidence.java_dump import Blocked
from pytest_foreignthread.evidence.waits import waits
from pytest_foreignthread.model.stacks import (
    END_IN_C,
    MUTEX_IN_C,
    Awaited,
    Frame,
    Gil,
    JavaThread,
    NativeFrame,
    OsThread,
    PythonFrame,
    Thread,
    Wait,
)

TEST: Final = PythonFrame("/project/test_bridge.py", 3, "body")
FUTEX: Final = 202


def thread(
    *frames: Frame,
    name: str | None = "a",
    native_id: int | None = None,
    ident: int | None = None,
    state: str | None = None,
    locks: tuple[str, ...] = (),
    gil: Gil | None = None,
) -> Thread:
    stacks = (frames,) if frames else ()
    return Thread(name, native_id, ident, False, stacks, java_state=state, locks=locks, gil=gil)


def python(place: str) -> PythonFrame:
    """Return the frame of `threading.py:join`, a file and a function of the standard library's."""
    file, _, function = place.partition(":")
    return PythonFrame(f"/usr/lib/python3.11/{file}", 1, function)


def native(*names: str) -> tuple[NativeFrame, ...]:
    return tuple(NativeFrame("libpython3.11.so.1.0", name, "") for name in names)


def found(*threads: Thread, links: tuple[Blocked, ...] = (), tasks: tuple[OsThread, ...] = ()) -> list[list[Wait]]:
    """Return the waits of threads whose names are Java's as well."""
    java = [JavaThread(one.name or "", one.native_id, False, None, ()) for one in threads]
    return [list(one) for one in waits(threads, java, links, {task.native_id: task for task in tasks})]


VECTOR: Final = Wait(Awaited.MONITOR, "the monitor of Vector 0x01")
SYNC: Final = "java.util.concurrent.locks.ReentrantLock$NonfairSync"
FAIR: Final = Wait(Awaited.SYNCHRONIZER, "ReentrantLock$NonfairSync 0x01")


@pytest.mark.parametrize(
    ("locks", "wait"),
    [
        (("- waiting to lock <0x01> (a java.util.Vector)",), VECTOR),
        (("- waiting to re-lock in wait() <0x01> (a java.util.Vector)",), VECTOR),
        (("- waiting on <0x01> (a java.util.Vector)",), None),
        (("- waiting on <no object reference available>",), None),
        (("- waiting on <0x01> (a java.lang.Thread)",), Wait(Awaited.THREAD, "Thread 0x01")),
        ((f"- parking to wait for  <0x01> (a {SYNC})",), FAIR),
        (
            ("- parking to wait for  <0x01> (a java.util.concurrent.CountDownLatch$Sync)",),
            Wait(Awaited.SYNCHRONIZER, "CountDownLatch$Sync 0x01"),
        ),
        (
            ("- parking to wait for  <0x01> (a java.util.concurrent.FutureTask)",),
            Wait(Awaited.FUTURE, "FutureTask 0x01"),
        ),
        (
            ("- parking to wait for  <0x01> (a java.util.concurrent.CompletableFuture$Signaller)",),
            Wait(Awaited.FUTURE, "CompletableFuture$Signaller 0x01"),
        ),
        (("- parking to wait for  <0x01> (a my.FutureTask)",), Wait(Awaited.SYNCHRONIZER, "FutureTask 0x01")),
        (("- locked <0x01> (a java.util.Vector)", f"- <0x02> (a {SYNC})"), None),
        (("- eliminated <0x01> (a java.util.Vector)",), None),
        (("- words",), None),
    ],
)
def test_what_java_waits_for(locks: tuple[str, ...], wait: Wait | None) -> None:
    assert found(thread(locks=locks)) == [[wait] if wait else []]


@pytest.mark.parametrize(
    ("wants", "holds"),
    [
        ("- waiting to lock <0x01> (a java.util.Vector)", "- locked <0x01> (a java.util.Vector)"),
        (f"- parking to wait for  <0x01> (a {SYNC})", f"- <0x01> (a {SYNC})"),
    ],
)
def test_the_owner_by_its_own_lines(wants: str, holds: str) -> None:
    others = thread(name="c", locks=("- locked <0x02> (a java.util.Vector)",))
    (wait,) = found(thread(locks=(wants,)), others, thread(name="b", locks=(holds,)))[0]
    assert wait.owner == 2
    assert found(thread(locks=(wants,)), others)[0][0].owner is None


@pytest.mark.parametrize("verb", ["- waiting on", "- waiting to re-lock in wait()"])
def test_a_thread_in_wait_has_let_go_of_the_monitor(verb: str) -> None:
    lines = (f"{verb} <0x01> (a java.util.Vector)", "- locked <0x01> (a java.util.Vector)")
    waiting = thread(name="b", locks=(*lines, "- locked <0x02> (a java.util.Vector)"))
    wants = [thread(locks=(f"- waiting to lock <0x0{number}> (a java.util.Vector)",)) for number in (1, 2)]
    assert [one[0].owner for one in found(*wants, waiting)[:2]] == [None, 2]


BLOCKED: Final = "BLOCKED (on object monitor)"
LINK: Final = Blocked("a", "0x01", "java.util.Vector", "b")


def test_the_owner_of_a_monitor_that_jni_holds() -> None:
    """No line of the threads' own tells of it."""
    wants, holds = thread(native_id=1, state=BLOCKED), thread(name="b", native_id=2)
    assert found(wants, holds, links=(LINK,)) == [[Wait(VECTOR.kind, VECTOR.what, 1)], []]
    assert found(wants, holds) == [[Wait(Awaited.MONITOR, "a monitor (by JNI)")], []]


def test_the_owner_by_hotspots_list_of_a_lock_that_a_frame_waits_for() -> None:
    wants = thread(native_id=1, state=BLOCKED, locks=("- waiting to lock <0x01> (a java.util.Vector)",))
    assert found(wants, thread(name="b", native_id=2), links=(LINK,))[0] == [Wait(VECTOR.kind, VECTOR.what, 1)]


def test_hotspot_calls_the_main_thread_by_another_name() -> None:
    """Python's name comes first in a joined thread."""
    threads = [thread(name="MainThread", native_id=1), thread(name="foreign-1", native_id=2, state=BLOCKED)]
    java = [JavaThread("main", 1, False, None, ()), JavaThread("foreign-1", 2, False, BLOCKED, ())]
    link = Blocked("foreign-1", "0x01", "java.util.Vector", "main")
    assert waits(threads, java, (link,), {}) == [(), (Wait(VECTOR.kind, VECTOR.what, 0),)]


@pytest.mark.parametrize("twice", ["a", "b"])
def test_a_name_that_two_threads_have_proves_no_owner(twice: str) -> None:
    threads = [thread(native_id=1, state=BLOCKED), thread(name="b", native_id=2), thread(name=twice, native_id=3)]
    assert [wait.owner for one in found(*threads, links=(LINK,)) for wait in one] == [None]


@pytest.mark.parametrize("owner", [0, None])
def test_the_gil(owner: int | None) -> None:
    """pystack may have found no thread that holds it."""
    holds = thread(TEST, gil=Gil.HOLDS if owner == 0 else None)
    assert found(holds, thread(TEST, gil=Gil.WAITS)) == [[], [Wait(Awaited.GIL, "the GIL", owner)]]


def test_the_gil_comes_before_what_waits_behind_it() -> None:
    waiting = thread(python("threading.py:join"), gil=Gil.WAITS)
    assert [wait.kind for wait in found(waiting)[0]] == [Awaited.GIL, Awaited.THREAD]


LOCK: Final = Wait(Awaited.PYTHON_LOCK, "a Python lock")
EVENT: Final = Wait(Awaited.PYTHON_LOCK, "an event or a condition of threading")
SEMAPHORE: Final = Wait(Awaited.PYTHON_LOCK, "a threading.Semaphore")
ITEM: Final = Wait(Awaited.PYTHON_LOCK, "an item of a queue")
ROOM: Final = Wait(Awaited.PYTHON_LOCK, "room in a queue")
FUTURE: Final = Wait(Awaited.FUTURE, "a concurrent.futures.Future")
END: Final = Wait(Awaited.THREAD, "the end of a threading.Thread")
TIMED: Final = ("__new_sem_wait_slow64", "PyThread_acquire_lock_timed")


@pytest.mark.parametrize(
    ("frames", "wait"),
    [
        # 3.10 to 3.12, then 3.13, of a Lock and an RLock; 3.14's locks are of another kind.
        ((*native(*TIMED, "acquire_timed", "lock_PyThread_acquire_lock"), TEST), LOCK),
        ((*native(*TIMED, "acquire_timed", "rlock_acquire"), TEST), LOCK),
        ((*native(*TIMED, "PyThread_acquire_lock_timed_with_retries", "lock_PyThread_acquire_lock"), TEST), LOCK),
        ((*native("__new_sem_wait_slow64", "_PyMutex_LockTimed", "lock_acquire"), TEST), LOCK),
        ((*native("PyThread_acquire_lock_timed_with_retries"), TEST), LOCK),
        # It is older than the newest Python frame: what runs now is something else.
        ((TEST, *native("acquire_timed"), TEST), None),
        ((*native("clock_nanosleep", "pysleep"), TEST), None),
        ((*native("lock_file"), TEST), None),
        ((python("threading.py:wait"), python("concurrent/futures/_base.py:result"), TEST), FUTURE),
        ((python("threading.py:wait"), python("concurrent/futures/_base.py:wait"), TEST), FUTURE),
        ((python("concurrent/futures/_base.py:exception"), TEST), FUTURE),
        ((python("concurrent/futures/_base.py:set_result"), TEST), None),
        ((python("my/_base.py:result"), TEST), None),
        ((TEST, TEST, TEST, TEST, python("concurrent/futures/_base.py:result")), None),
        ((*native("acquire_timed"), python("threading.py:_wait_for_tstate_lock"), python("threading.py:join")), END),
        ((python("threading.py:wait"), TEST), None),
        ((*native("acquire_timed"), python("threading.py:Condition.wait"), python("threading.py:wait"), TEST), EVENT),
        ((*native("acquire_timed"), python("threading.py:wait"), python("threading.py:acquire"), TEST), SEMAPHORE),
        ((*native("acquire_timed"), python("threading.py:wait"), python("queue.py:Queue.get"), TEST), ITEM),
        ((*native("acquire_timed"), python("threading.py:wait"), python("queue.py:put"), TEST), ROOM),
        ((*native("acquire_timed", "_queue_SimpleQueue_get_impl"), TEST), ITEM),
        # What only looks like it; the shutdown of `threading`.
        ((*native("acquire_timed"), TEST, python("queue.py:get")), LOCK),
        ((*native("acquire_timed"), python("my/queue.py.py:get"), TEST), LOCK),
        ((*native("acquire_timed"), python("threading.py:_shutdown")), LOCK),
        ((PythonFrame("/project/threading.pyx", 1, "join"),), None),
        ((), None),
    ],
)
def test_what_python_waits_for(frames: tuple[Frame, ...], wait: Wait | None) -> None:
    assert found(thread(*frames)) == [[wait] if wait else []]


def test_c_frames_that_stand_apart_show_a_lock_too() -> None:
    apart = Thread("a", 1, 2, False, (native("acquire_timed"), (TEST,)), "pystack shows no frame of Python's")
    assert found(apart) == [[LOCK]]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("__pthread_clockjoin_ex", "the end of a thread (in C)"),
        ("pthread_join@GLIBC_2.2.5", "the end of a thread (in C)"),
        ("__new_sem_wait_slow64.constprop.0", "a semaphore (in C)"),
        ("sem_wait@@GLIBC_2.2.5", "a semaphore (in C)"),
        ("pthread_cond_wait@@GLIBC_2.3.2", "a condition (in C)"),
        ("___pthread_mutex_lock", "a mutex (in C)"),
        ("__lll_lock_wait", "a mutex (in C)"),
        ("clock_nanosleep@GLIBC_2.2.5", None),
        ("pthread_cond_timedwait", None),
        ("read", None),
        ("my_sem_wait", None),
    ],
)
def test_the_holder_of_the_gil_waits_in_c(name: str, what: str | None) -> None:
    frames: tuple[Frame, ...] = (*native("futex_wait", name), TEST)
    wait = [] if what is None else [Wait(Awaited.NATIVE, what)]
    assert found(thread(*frames, gil=Gil.HOLDS)) == [wait]
    # Only a thread of the same process releases a mutex, or ends.
    without_gil = wait if what in (MUTEX_IN_C, END_IN_C) else []
    assert found(thread(*frames)) == [without_gil]
    # A thread of C has no other wait.
    assert found(thread(*native("futex_wait", name, "start_thread"))) == [wait]


@pytest.mark.parametrize(
    ("call", "waits_for_ever"),
    [
        ((FUTEX, 0x10, 0x80, 0, 0, 0, 0), True),
        ((FUTEX, 0x10, 0, 2, 0, 0, 0), True),
        ((98, 0x10, 0x189, 0, 0, 0, 0), True),
        ((FUTEX, 0x10, 0x86, 0, 0, 0, 0), True),
        # With a timeout; a wake; another system call.
        ((FUTEX, 0x10, 0x80, 0, 0x7FF0, 0, 0), False),
        ((FUTEX, 0x10, 0x81, 1, 0, 0, 0), False),
        ((7, 0x10, 0x80, 0, 0, 0, 0), False),
        ((), False),
    ],
)
def test_a_wait_that_only_the_kernel_shows(call: tuple[int, ...], waits_for_ever: bool) -> None:
    """Rust and C++ call futex() by themselves, in functions of names of their own."""
    task = OsThread(1, "a", "S", 0.0, call)
    wait = [Wait(Awaited.NATIVE, "a lock or an event (in C)")] if waits_for_ever else []
    frames: tuple[Frame, ...] = (*native("syscall", "std::__atomic_futex_unsigned_base::_M_futex_wait_until"), TEST)
    assert found(thread(*frames, native_id=1, gil=Gil.HOLDS), tasks=(task,)) == [wait]
    assert found(thread(*frames, native_id=1), tasks=(task,)) == [[]]
    assert found(thread(*frames[:-1], native_id=1), tasks=(task,)) == [wait]


def test_glibc_waits_for_a_semaphore_in_one_function_with_and_without_a_timeout() -> None:
    frames: tuple[Frame, ...] = (*native("__new_sem_wait_slow64"), TEST)
    endless, timed = (OsThread(1, "a", "S", 0.0, (FUTEX, 0x10, 0x189, 0, limit)) for limit in (0, 0x7FF0))
    holder = thread(*frames, native_id=1, gil=Gil.HOLDS)
    assert found(holder, tasks=(endless,)) == [[Wait(Awaited.NATIVE, "a semaphore (in C)")]]
    assert found(holder, tasks=(timed,)) == [[]]


def test_c_frames_without_a_name_say_nothing() -> None:
    nameless = NativeFrame(None, None, "")
    assert found(thread(nameless, TEST, gil=Gil.HOLDS)) == [[]]
    assert found(thread(nameless, *native("sem_wait"), TEST, gil=Gil.HOLDS))[0][0].kind is Awaited.NATIVE


def test_a_wait_in_c_below_python_is_no_wait() -> None:
    assert found(thread(TEST, *native("sem_wait"), gil=Gil.HOLDS)) == [[]]


def test_a_wait_of_java_or_python_comes_before_one_in_c() -> None:
    lock = ("- waiting to lock <0x01> (a java.util.Vector)",)
    assert found(thread(*native("pthread_cond_wait"), TEST, gil=Gil.HOLDS, locks=lock)) == [[VECTOR]]


IDENT: Final = 0x7FCAE44776C0


def joins(address: int, *others: Thread, in_call: bool = True) -> int | None:
    """Return who is joined by a holder of the GIL in pthread_join() whose futex is at `address`."""
    holder = thread(*native("__pthread_clockjoin_ex"), TEST, native_id=1, gil=Gil.HOLDS)
    task = OsThread(1, "a", "S", 0.0, (FUTEX, address, 0x109, 0, 0, 0, 0) if in_call else ())
    return found(holder, *others, tasks=(task,))[0][0].owner


@pytest.mark.parametrize(
    ("offset", "owner"), [(0x2D0, 2), (0, 2), (2303, 2), (2304, None), (-1, None), (0x100000, None)]
)
def test_the_thread_that_is_joined(offset: int, owner: int | None) -> None:
    """glibc waits for a word in the descriptor of that thread, whose address is Python's id."""
    other = thread(TEST, name="b", ident=IDENT - 0x801000)
    assert joins(IDENT + offset, other, thread(TEST, name="c", ident=IDENT)) == owner


def test_the_thread_that_is_joined_is_not_guessed() -> None:
    unknown = thread(name="Finalizer", native_id=5)
    assert joins(0, unknown, in_call=False) is None
    assert joins(0x10, unknown) is None
