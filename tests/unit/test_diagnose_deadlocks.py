from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pytest

from pytest_foreignthread.diagnosis import diagnose
from pytest_foreignthread.diagnosis.case import Case
from pytest_foreignthread.model.observation import EndedBy, Observation, Signaled
from pytest_foreignthread.model.outcomes import Outcome, Phase
from pytest_foreignthread.model.records import Diagnosis, Evidence, Place
from pytest_foreignthread.model.stacks import (
    Awaited,
    Frame,
    Gil,
    JavaFrame,
    Motion,
    NativeFrame,
    PythonFrame,
    Thread,
    Wait,
)

OBSERVED: Final = Observation((), Signaled(9), EndedBy.DEADLINE, Phase.CALL, 9.0, 5.0, 5.0)
PYTHON: Final = PythonFrame("/project/test_bridge.py", 3, "body")
WORKER: Final = (
    JavaFrame("java.util.concurrent.FutureTask.run", None, None),
    JavaFrame("java.util.concurrent.ThreadPoolExecutor.runWorker", None, None),
)
IDLE: Final = (JavaFrame("java.util.concurrent.ThreadPoolExecutor.getTask", None, None), WORKER[1])
NEW: Final = (
    JavaFrame("java.util.concurrent.FutureTask.run", None, None),
    JavaFrame("java.lang.Thread.run", None, None),
)


def thread(
    name: str, *waits: Wait, frames: Sequence[Frame] = (PYTHON,), motion: Motion = Motion.STILL, gil: Gil | None = None
) -> Thread:
    return Thread(name, None, None, False, (tuple(frames),), gil=gil, waits=waits, motion=motion)


MAIN: Final = Thread(
    "MainThread",
    1,
    2,
    False,
    (
        (
            PythonFrame("/usr/lib/python3.11/threading.py", 331, "wait"),
            PythonFrame("/usr/lib/python3.11/concurrent/futures/_base.py", 305, "wait"),
            PythonFrame("/lib/pytest_foreignthread/child/foreign_calls.py", 55, "call"),
        ),
    ),
    waits=(Wait(Awaited.FUTURE, "a concurrent.futures.Future"),),
    motion=Motion.MOVING,
)


def gil(owner: int | None) -> Wait:
    return Wait(Awaited.GIL, "the GIL", owner)


def monitor(owner: int | None, name: str = "0x01") -> Wait:
    return Wait(Awaited.MONITOR, f"the monitor of Vector {name}", owner)


LOCK: Final = Wait(Awaited.PYTHON_LOCK, "a Python lock")
ITEM: Final = Wait(Awaited.PYTHON_LOCK, "an item of a queue")
SEMAPHORE: Final = Wait(Awaited.NATIVE, "a semaphore (in C)")
TASK: Final = Wait(Awaited.FUTURE, "FutureTask 0x01")
END: Final = Wait(Awaited.THREAD, "the end of a threading.Thread")
JAVA_END: Final = Wait(Awaited.THREAD, "Thread 0x01")
CONDITION: Final = Wait(Awaited.SYNCHRONIZER, "AbstractQueuedSynchronizer$ConditionObject 0x01")
STAGE: Final = Wait(Awaited.FUTURE, "CompletableFuture$Signaller 0x01")
FUTURE: Final = Wait(Awaited.FUTURE, "a concurrent.futures.Future")
RUNS: Final = thread("busy", motion=Motion.RUNNING)
RESTS: Final = thread("pool-9-thread-1", Wait(Awaited.SYNCHRONIZER, "ConditionObject 0x09"), frames=IDLE)
FINALIZER: Final = thread("Finalizer", frames=(JavaFrame("java.lang.Object.wait0", None, None, native=True),))


def hang(*threads: Thread, looks: int = 3, stdout: str = "") -> Diagnosis | None:
    evidence = Evidence(threads=threads, looks=looks, stdout=stdout)
    return diagnose(Case(Outcome.HANG, Phase.CALL, None, None, evidence, OBSERVED, "new"))


def code(diagnosis: Diagnosis | None) -> str | None:
    return None if diagnosis is None else diagnosis.code


def holder(*waits: Wait, motion: Motion = Motion.STILL) -> Thread:
    return replace(thread("a", *waits, gil=Gil.HOLDS, motion=motion), current=True)


WAITS_FOR_GIL: Final = thread("b", gil(0), gil=Gil.WAITS)
TWO_MONITORS: Final = (thread("a", monitor(1)), thread("b", monitor(0, "0x02")))
TWO_LOCKS: Final = (
    thread("a", Wait(Awaited.SYNCHRONIZER, "ReentrantLock$FairSync 0x01", 1)),
    thread("b", Wait(Awaited.SYNCHRONIZER, "ReentrantLock$FairSync 0x02", 0)),
)
MIXED: Final = (thread("a", monitor(1)), thread("b", LOCK))


@pytest.mark.parametrize(
    ("threads", "expected"),
    [
        # Of what the holder of the GIL waits for, Java tells the owner.
        ((holder(monitor(1)), WAITS_FOR_GIL), "gil-deadlock"),
        ((holder(Wait(Awaited.SYNCHRONIZER, "ReentrantLock$FairSync 0x01", 1)), WAITS_FOR_GIL), "gil-deadlock"),
        # Nothing tells it, but every thread that could act is in the circle.
        ((holder(SEMAPHORE), WAITS_FOR_GIL), "gil-deadlock"),
        ((holder(SEMAPHORE), WAITS_FOR_GIL, MAIN, FINALIZER, RESTS), "gil-deadlock"),
        ((holder(TASK), thread("b", gil(0), frames=(PYTHON, *WORKER), gil=Gil.WAITS)), "gil-deadlock"),
        ((holder(STAGE), WAITS_FOR_GIL), "gil-deadlock"),
        # By way of a third thread.
        ((holder(monitor(1)), thread("b", monitor(2, "0x02")), thread("c", gil(0), gil=Gil.WAITS)), "gil-deadlock"),
        # It sleeps, or is in a call that ends by itself.
        ((holder(), WAITS_FOR_GIL), None),
        ((holder(motion=Motion.RUNNING), WAITS_FOR_GIL), None),
        ((holder(monitor(1), motion=Motion.MOVING), WAITS_FOR_GIL), None),
        ((holder(monitor(1)), replace(WAITS_FOR_GIL, motion=Motion.MOVING)), None),
        # Whoever waits for the GIL asks for it again and again.
        ((holder(monitor(1)), replace(WAITS_FOR_GIL, motion=Motion.RUNNING)), "gil-deadlock"),
        ((holder(monitor(1)), replace(WAITS_FOR_GIL, motion=None)), None),
        # Another thread could act.
        ((holder(SEMAPHORE), WAITS_FOR_GIL, RUNS), None),
        ((holder(SEMAPHORE), WAITS_FOR_GIL, thread("Timer-0", frames=NEW)), None),
        ((holder(TASK), WAITS_FOR_GIL, thread("foreign-1", frames=NEW)), None),
        ((holder(STAGE), WAITS_FOR_GIL, thread("Timer-0", frames=NEW[1:])), None),
        ((holder(SEMAPHORE), WAITS_FOR_GIL, thread("Timer-0", frames=NEW[1:])), None),
        # The owner of what it waits for is free.
        ((holder(monitor(2)), WAITS_FOR_GIL, RUNS), None),
        # Nobody is known to hold it.
        ((thread("a", gil(None), gil=Gil.WAITS), thread("b", gil(None), gil=Gil.WAITS)), None),
        # The circle is of two monitors; that one of the two threads has the GIL is chance.
        ((holder(monitor(1)), thread("b", monitor(0, "0x02")), thread("c", gil(0), gil=Gil.WAITS)), "monitor-deadlock"),
        (TWO_MONITORS, "monitor-deadlock"),
        (TWO_LOCKS, "monitor-deadlock"),
        ((*TWO_MONITORS, MAIN, RUNS, RESTS, FINALIZER), "monitor-deadlock"),
        ((thread("a", monitor(1)), thread("b", monitor(2)), thread("c", monitor(0))), "monitor-deadlock"),
        ((thread("a", monitor(1)), thread("b", monitor(2)), thread("c")), None),
        ((thread("a", monitor(1)), replace(TWO_MONITORS[1], motion=Motion.RUNNING)), None),
        ((thread("a", monitor(1)), replace(TWO_MONITORS[1], motion=Motion.MOVING)), None),
        ((thread("a", monitor(1)), thread("b")), None),
        ((thread("a", monitor(0)),), None),
        ((thread("a", monitor(None)),), None),
        ((thread("a", monitor(None)), thread("b", monitor(None))), None),
        (MIXED, "mixed-deadlock"),
        ((*MIXED, MAIN, RESTS, FINALIZER), "mixed-deadlock"),
        ((thread("a", monitor(None)), thread("b", LOCK)), "mixed-deadlock"),
        ((thread("a", CONDITION), thread("b", LOCK)), None),
        # A third one that runs Python may give the lock back.
        ((*MIXED, RUNS), None),
        ((*MIXED, thread("c", frames=NEW)), "mixed-deadlock"),
        ((MIXED[0], replace(MIXED[1], motion=Motion.MOVING)), None),
        # A lock that a thread left locked when it ended, or that two others want from each other.
        ((thread("a", LOCK),), None),
        ((thread("a", LOCK), MAIN), None),
        ((thread("a", LOCK), thread("b", LOCK)), None),
        ((thread("a", monitor(1), frames=NEW), thread("b", LOCK)), None),
        ((thread("a", monitor(1), frames=NEW), thread("b", LOCK), thread("c", LOCK)), None),
        # Pure waits for what may come yet.
        ((thread("a", TASK),), None),
        ((thread("a", SEMAPHORE), thread("b", FUTURE)), None),
        ((), None),
    ],
)
def test_deadlocks(threads: tuple[Thread, ...], expected: str | None) -> None:
    assert code(hang(*threads)) == expected


@pytest.mark.parametrize("threads", [(holder(monitor(1)), WAITS_FOR_GIL), TWO_MONITORS, TWO_LOCKS, MIXED])
def test_two_looks_prove_no_deadlock(threads: tuple[Thread, ...]) -> None:
    assert hang(*threads) is not None
    assert hang(*threads, looks=2) is None


def test_no_link_names_a_thread_of_c_that_waits_for_work() -> None:
    idle = thread("pool", Wait(Awaited.NATIVE, "a condition (in C)"), frames=(NativeFrame("libblas.so", "work", ""),))
    diagnosis = hang(holder(SEMAPHORE), WAITS_FOR_GIL, idle)
    assert diagnosis is not None
    assert diagnosis.evidence == (
        '"a" holds the GIL, waits for a semaphore (in C), which only "b" could release',
        '"b" waits for the GIL, which "a" holds',
    )


def test_the_links_of_a_deadlock() -> None:
    """The main thread, which waits for the body, is no part of it."""
    diagnosis = hang(holder(SEMAPHORE), WAITS_FOR_GIL, MAIN, FINALIZER)
    assert diagnosis is not None
    assert diagnosis.evidence == (
        '"a" holds the GIL, waits for a semaphore (in C), which only "b" could release',
        '"b" waits for the GIL, which "a" holds',
    )


def pool(number: int, wait: Wait | None, motion: Motion = Motion.STILL, name: str = "pool-1-thread-{}") -> Thread:
    waits = () if wait is None else (wait,)
    return thread(name.format(number), *waits, frames=(PYTHON, *WORKER), motion=motion)


EXECUTORS_WORKER: Final = PythonFrame("/usr/lib/python3.11/concurrent/futures/thread.py", 81, "_worker")
STARVED: Final = (pool(1, TASK), pool(2, TASK))
WAITS_FOR_POOL: Final = thread("foreign-1", TASK, frames=(PYTHON, *NEW))


@pytest.mark.parametrize(
    ("threads", "expected"),
    [
        (STARVED, "pool-starvation"),
        ((pool(1, FUTURE), pool(2, FUTURE)), "pool-starvation"),
        ((*STARVED, MAIN, FINALIZER), "pool-starvation"),
        ((*STARVED, replace(MAIN, waits=())), "pool-starvation"),
        ((*STARVED, WAITS_FOR_POOL), "pool-starvation"),
        ((pool(1, STAGE), pool(2, STAGE)), "pool-starvation"),
        (tuple(pool(n, FUTURE, name="ForkJoinPool-1-worker-{}") for n in (1, 2)), "pool-starvation"),
        # A pool of one thread.
        ((pool(1, TASK), WAITS_FOR_POOL), "pool-starvation"),
        # A task on another thread waits for a lock, which a thread of the pool may hold.
        ((pool(1, TASK), pool(1, LOCK, name="pool-2-thread-{}"), WAITS_FOR_POOL), "lock-and-future"),
        ((*STARVED, pool(1, monitor(0), name="pool-2-thread-{}")), "lock-and-future"),
        ((pool(1, FUTURE), thread("b", LOCK, frames=(PYTHON, EXECUTORS_WORKER))), "lock-and-future"),
        ((pool(1, TASK), thread("b", LOCK, frames=(PYTHON, *NEW))), "lock-and-future"),
        # It may wait for the task that the pool waits for, and be stuck in something that is no lock.
        ((*STARVED, pool(1, CONDITION, name="pool-2-thread-{}")), None),
        # No task waits for the lock, or the test's own body does.
        ((*STARVED, thread("b", LOCK)), "pool-starvation"),
        ((*STARVED, replace(thread("foreign-1", LOCK, frames=(PYTHON, *NEW)), current=True)), "pool-starvation"),
        ((*STARVED, pool(1, TASK, name="pool-2-thread-{}")), "pool-starvation"),
        # One of them is free, or works, or waits for something else.
        ((*STARVED, thread("pool-1-thread-3", frames=IDLE)), None),
        ((pool(1, TASK), pool(2, None, Motion.RUNNING)), None),
        ((pool(1, TASK), pool(2, TASK, Motion.MOVING)), None),
        ((pool(1, TASK), pool(2, LOCK)), "lock-and-future"),
        # The task may run elsewhere.
        ((*STARVED, thread("foreign-1", frames=(PYTHON, *NEW), motion=Motion.RUNNING)), None),
        ((*STARVED, pool(1, None, Motion.RUNNING, "pool-2-thread-{}")), None),
        ((*STARVED, RESTS), None),
        ((*STARVED, RUNS), None),
        ((pool(1, STAGE), pool(2, STAGE), thread("Timer-0", frames=NEW[1:])), None),
        # They are of no pool that can be told.
        ((pool(1, TASK, name="a"), pool(2, TASK, name="b")), None),
        ((thread("pool-1-thread-1", TASK), thread("pool-1-thread-2", TASK)), None),
    ],
)
def test_pool_starvation(threads: tuple[Thread, ...], expected: str | None) -> None:
    assert code(hang(*threads)) == expected


def test_two_looks_prove_no_starvation() -> None:
    assert hang(*STARVED, looks=2) is None


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, "the only thread of a pool waits for a task, and none is left to run the task"),
        (2, "both threads of a pool wait for tasks, and none is left to run them"),
        (3, "all 3 threads of a pool wait for tasks, and none is left to run them"),
    ],
)
def test_how_many_threads_starve(number: int, words: str) -> None:
    diagnosis = hang(*(pool(one, TASK) for one in range(number)), WAITS_FOR_POOL)
    assert diagnosis is not None
    assert diagnosis.text == words


def test_what_starves() -> None:
    diagnosis = hang(*STARVED)
    assert diagnosis is not None
    assert diagnosis.evidence == (
        '"pool-1-thread-1" waits for FutureTask 0x01',
        '"pool-1-thread-2" waits for FutureTask 0x01',
    )


UNCAUGHT: Final = (
    'Exception: java.lang.OutOfMemoryError thrown from the UncaughtExceptionHandler in thread "Python Reference Queue"'
)
IN_VM: Final = "Exception in VM (AttachListener::init) :\njava.lang.OutOfMemoryError: Java heap space"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (f"words\n{UNCAUGHT}\n", "java-heap"),
        (IN_VM, "java-heap"),
        (IN_VM.replace("Java heap space", "Metaspace"), None),
        ("java.lang.OutOfMemoryError: Java heap space", None),
        (f"log: {UNCAUGHT}", None),
        ("", None),
    ],
)
def test_a_hang_of_a_full_java_heap(written: str, expected: str | None) -> None:
    assert code(hang(stdout=written)) == expected


OWN: Final = PythonFrame("/project/bridge.py", 7, "callback")
TAKES_LOCK: Final = NativeFrame("libpython3.11.so.1.0", "lock_PyThread_acquire_lock", "")
IMPORTLIB: Final = "<frozen importlib._bootstrap>"
EVENT: Final = PythonFrame("/usr/lib/python3.11/threading.py", 331, "wait")
LOOP: Final = PythonFrame("/usr/lib/python3.11/asyncio/base_events.py", 1922, "_run_once")
IMPORTS: Final = (
    PythonFrame("/project/bridge.py", 3, "<module>"),
    PythonFrame(IMPORTLIB, 690, "_load_unlocked"),
)
AWAITS_IMPORT: Final = PythonFrame(IMPORTLIB, 120, "_ModuleLock.acquire")
CALLBACK_WAITS: Final = thread("b", FUTURE, frames=(EVENT, OWN))
TIMER: Final = thread("Timer-0", frames=(JavaFrame("java.util.TimerThread.mainLoop", None, None),))
# From JDK 25 on, that of CompletableFuture's timeouts and of ForkJoinPool.schedule().
DELAYS: Final = thread("delays", frames=(JavaFrame("java.util.concurrent.DelayScheduler.loop", None, None),))


@pytest.mark.parametrize(
    ("threads", "expected"),
    [
        ((thread("a", TASK), thread("b", LOCK, frames=(OWN, *WORKER))), "lock-and-future"),
        ((thread("a", FUTURE), thread("b", LOCK), MAIN, FINALIZER, RESTS), "lock-and-future"),
        ((thread("a", TASK), thread("b", monitor(None), frames=(OWN, *WORKER))), "lock-and-future"),
        ((thread("a", TASK), thread("b", monitor(0), frames=(OWN, *WORKER))), "lock-and-future"),
        # By way of a third thread.
        ((thread("a", TASK), thread("b", monitor(2), frames=WORKER), thread("c", monitor(0))), "lock-and-future"),
        (
            (thread("a", TASK), thread("b", Wait(Awaited.SYNCHRONIZER, "ReentrantLock$FairSync 0x01"))),
            "lock-and-future",
        ),
        ((thread("a", TASK), thread("b", Wait(Awaited.SYNCHRONIZER, "Mine$Sync 0x01", 0))), "lock-and-future"),
        # The end of a thread is waited for, in Python or in Java.
        ((thread("a", END), thread("b", LOCK), MAIN, FINALIZER, RESTS), "lock-and-future"),
        ((thread("a", JAVA_END), thread("b", monitor(0), frames=(OWN, *NEW))), "lock-and-future"),
        ((thread("a", END), thread("b", LOCK), RUNS), None),
        ((thread("a", END), thread("b", LOCK, frames=(EVENT, OWN))), None),
        # What no thread holds.
        ((thread("a", TASK), thread("b", CONDITION, frames=WORKER)), None),
        ((thread("a", TASK), thread("b", Wait(Awaited.SYNCHRONIZER, "Mine$Sync 0x01"), frames=WORKER)), None),
        # A third one could release the lock, or is moving; the wait is for an event.
        ((thread("a", TASK), thread("b", LOCK, frames=(OWN, *WORKER)), RUNS), None),
        ((thread("a", TASK), thread("b", monitor(2), frames=(OWN, *WORKER)), RUNS), None),
        ((thread("a", TASK), thread("b", LOCK, frames=(EVENT, OWN, *WORKER))), None),
        # An idle thread of a pool, and one that waits for an item: SimpleQueue's wait has no Python frame of its own.
        ((thread("a", TASK), thread("b", ITEM, frames=(EXECUTORS_WORKER, *NEW))), None),
        ((thread("a", TASK), thread("b", ITEM, frames=(OWN, *WORKER))), None),
        ((thread("a", TASK), thread("b", LOCK, frames=(OWN, *WORKER), motion=Motion.MOVING)), None),
        # The loop's thread waits for the callback.
        (
            (thread("a", TASK, frames=(OWN, LOOP)), replace(CALLBACK_WAITS, stacks=((EVENT, OWN, *WORKER),))),
            "event-loop",
        ),
        ((thread("a", TASK, frames=(OWN, LOOP)), CALLBACK_WAITS, RUNS), None),
        ((thread("a", frames=(OWN, LOOP), motion=Motion.RUNNING), CALLBACK_WAITS), None),
        # A module that is being imported waits.
        ((thread("a", TASK, frames=IMPORTS), thread("b", LOCK, frames=(AWAITS_IMPORT, *WORKER))), "import-lock"),
        ((thread("a", TASK, frames=IMPORTS), thread("b", LOCK, frames=(AWAITS_IMPORT, *WORKER)), RUNS), None),
        ((thread("a", TASK, frames=IMPORTS[:1]), thread("b", LOCK, frames=(AWAITS_IMPORT, *WORKER))), None),
    ],
)
def test_results_that_never_come(threads: tuple[Thread, ...], expected: str | None) -> None:
    assert code(hang(*threads)) == expected
    assert hang(*threads, looks=2) is None


TAKES: Final = thread("a", LOCK, frames=(TAKES_LOCK, OWN))
BLOCKS_ITS_LOOP: Final = thread("a", FUTURE, frames=(EVENT, OWN, LOOP))


STEP: Final = (
    NativeFrame("_asyncio.cpython-311-x86_64-linux-gnu.so", "task_step_impl", ""),
    NativeFrame("loop.cpython-311-x86_64-linux-gnu.so", "__pyx_f_6uvloop_4loop_4Loop__run", ""),
)


@pytest.mark.parametrize(
    ("threads", "expected"),
    [
        ((BLOCKS_ITS_LOOP,), "event-loop"),
        ((thread("a", STAGE, frames=(OWN, LOOP)),), "event-loop"),
        ((thread("a", TASK, frames=(OWN, LOOP)), MAIN, RESTS, FINALIZER), "event-loop"),
        # uvloop's loop is in C.
        ((thread("a", FUTURE, frames=(EVENT, OWN, *STEP)),), "event-loop"),
        ((thread("a", FUTURE, frames=(EVENT, OWN, replace(STEP[0], library="libother.so"))),), None),
        # A thread of an executor without a task.
        ((BLOCKS_ITS_LOOP, thread("b", frames=(EXECUTORS_WORKER,))), "event-loop"),
        # Another thread may complete the result, now or later.
        ((BLOCKS_ITS_LOOP, RUNS), None),
        ((BLOCKS_ITS_LOOP, thread("b", frames=(OWN, EXECUTORS_WORKER))), None),
        ((BLOCKS_ITS_LOOP, thread("b", frames=NEW)), None),
        ((BLOCKS_ITS_LOOP, TIMER), None),
        ((BLOCKS_ITS_LOOP, DELAYS), None),
        ((BLOCKS_ITS_LOOP, replace(thread("a thread of C", frames=()), java_state="RUNNABLE")), None),
        # The loop waits for its next event, or its code for something else, or it moves.
        ((thread("a", frames=(LOOP,)),), None),
        ((thread("a", FUTURE, frames=(EVENT, OWN)),), None),
        ((thread("a", LOCK, frames=(EVENT, OWN, LOOP)),), None),
        ((replace(BLOCKS_ITS_LOOP, motion=Motion.MOVING),), None),
        # No thread of the pool is left to run the task.
        ((pool(1, TASK), thread("a", TASK, frames=(OWN, LOOP, *NEW))), "pool-starvation"),
    ],
)
def test_a_loop_that_its_own_code_blocks(threads: tuple[Thread, ...], expected: str | None) -> None:
    assert code(hang(*threads)) == expected
    assert hang(*threads, looks=2) is None


@pytest.mark.parametrize("thread", [TAKES, BLOCKS_ITS_LOOP])
@pytest.mark.parametrize(("missing", "jvm"), [("java_dump", True), ("python_hang", True), ("python_hang", False)])
def test_no_thread_is_alone_beside_unknown_threads(thread: Thread, missing: str, jvm: bool) -> None:
    evidence = Evidence(threads=(thread,), looks=3, missing={missing: "it did not answer"})
    case = Case(Outcome.HANG, Phase.CALL, None, None, evidence, OBSERVED, "new", jvm=jvm)
    assert diagnose(case) is None
    assert diagnose(replace(case, evidence=replace(evidence, missing={}))) is not None


def test_a_child_without_a_jvm_has_no_threads_of_java() -> None:
    evidence = Evidence(threads=(BLOCKS_ITS_LOOP,), looks=3, missing={"java_dump": "no JVM was running"})
    assert (
        code(diagnose(Case(Outcome.HANG, Phase.CALL, None, None, evidence, OBSERVED, "native", jvm=False))) is not None
    )


def test_the_code_that_blocks_its_loop() -> None:
    diagnosis = hang(BLOCKS_ITS_LOOP)
    assert diagnosis is not None
    assert diagnosis.evidence == (
        '"a" waits for a concurrent.futures.Future in callback (bridge.py:7)',
        '"a" runs the event loop',
        "no other thread runs Python or Java code",
    )


IN_SLEEP: Final = (
    NativeFrame("libc.so.6", "clock_nanosleep", ""),
    NativeFrame("libc.so.6", "sleep", ""),
    NativeFrame("libffi.so.8", None, ""),
    NativeFrame("_ctypes.cpython-311-x86_64-linux-gnu.so", "_ctypes_callproc", ""),
    OWN,
)
HOLDS: Final = thread("a", frames=IN_SLEEP, gil=Gil.HOLDS)
WANTS: Final = thread("b", gil(0), gil=Gil.WAITS, motion=Motion.RUNNING)


MUTEX: Final = Wait(Awaited.NATIVE, "a mutex (in C)")
KEPT_MAIN: Final = replace(MAIN, waits=(gil(0),), gil=Gil.WAITS)


@pytest.mark.parametrize(
    ("threads", "expected"),
    [
        ((HOLDS, WANTS), "gil-held"),
        ((replace(HOLDS, motion=Motion.RUNNING), WANTS, RUNS), "gil-held"),
        ((HOLDS, KEPT_MAIN), "gil-held"),
        # What the holder waits for is the cause if only the plugin's own thread, which waits for the body, is kept.
        ((thread("a", MUTEX, frames=IN_SLEEP, gil=Gil.HOLDS), KEPT_MAIN, RUNS), None),
        ((thread("a", MUTEX, frames=IN_SLEEP, gil=Gil.HOLDS), KEPT_MAIN, WANTS, RUNS), "gil-held"),
        ((thread("a", SEMAPHORE, frames=IN_SLEEP, gil=Gil.HOLDS), WANTS, RUNS), "gil-held"),
        ((thread("a", frames=(JavaFrame("a.B.hashCode", None, None), OWN), gil=Gil.HOLDS), WANTS), "gil-held"),
        # Nobody wants it, the holder runs Python code or moves, or the order of its frames is not known.
        ((HOLDS, RUNS), None),
        ((replace(HOLDS, stacks=((OWN,),)), WANTS), None),
        ((replace(HOLDS, motion=Motion.MOVING), WANTS), None),
        ((replace(HOLDS, stacks=(IN_SLEEP[:2], (OWN,))), WANTS), None),
        ((replace(HOLDS, gil=None), WANTS), None),
    ],
)
def test_a_call_that_keeps_the_gil(threads: tuple[Thread, ...], expected: str | None) -> None:
    assert code(hang(*threads)) == expected
    assert hang(*threads, looks=2) is None


def test_the_function_that_keeps_the_gil() -> None:
    diagnosis = hang(HOLDS, WANTS)
    assert diagnosis is not None
    assert diagnosis.evidence == (
        '"a" holds the GIL in sleep (libc.so.6), called by callback (bridge.py:7)',
        '"b" waits for the GIL',
    )


TAKES_AGAIN: Final = thread("a", LOCK, frames=(replace(TAKES_LOCK, function="rlock_acquire"), OWN))


@pytest.mark.parametrize(
    ("threads", "expected"),
    [
        ((TAKES,), "self-deadlock"),
        ((TAKES, MAIN, RESTS, FINALIZER), "self-deadlock"),
        # Two of Python's locks in opposite order.
        ((TAKES, replace(TAKES, name="b"), MAIN, RESTS), "self-deadlock"),
        ((TAKES_AGAIN, replace(TAKES_AGAIN, name="b")), "self-deadlock"),
        # Java calls lock.acquire() through a bridge.
        ((thread("a", LOCK, frames=(TAKES_LOCK, JavaFrame("Bridge.acquire", None, None))),), "self-deadlock"),
        # Another runs Python, or may do so later; the wait is for an event, or of code that nobody names.
        ((TAKES, RUNS), None),
        ((TAKES, thread("b", LOCK, frames=(TAKES_LOCK, EVENT, OWN))), None),
        ((TAKES, replace(TAKES, name="b", motion=Motion.MOVING)), None),
        ((TAKES, replace(TAKES, name="b"), RUNS), None),
        ((TAKES, replace(TAKES, name="b"), TIMER), None),
        ((TAKES, TIMER), None),
        ((TAKES, DELAYS), None),
        ((thread("a", LOCK, frames=(TAKES_LOCK, EVENT, OWN)),), None),
        ((thread("a", LOCK, frames=(NativeFrame("libpython3.11.so.1.0", None, ""), OWN)),), None),
        ((replace(TAKES, motion=Motion.MOVING),), None),
    ],
)
def test_a_lock_that_no_thread_can_release(threads: tuple[Thread, ...], expected: str | None) -> None:
    assert code(hang(*threads)) == expected
    assert hang(*threads, looks=2) is None


def test_threads_with_each_others_locks_are_all_named() -> None:
    diagnosis = hang(TAKES, replace(TAKES, name="b"))
    assert diagnosis is not None
    assert diagnosis.text.startswith("2 threads wait for locks that nobody else can release: each holds what another")
    assert "in one order" in diagnosis.help
    assert diagnosis.evidence == (
        '"a" waits for a Python lock in callback (bridge.py:7)',
        '"b" waits for a Python lock in callback (bridge.py:7)',
        "no other thread runs Python code",
    )


NAMELESS: Final = (
    NativeFrame("python3.11", "PyThread_acquire_lock_timed", ""),
    NativeFrame("python3.11", None, ""),
    OWN,
)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (Place("bridge.py", 7, "with self.lock:"), "self-deadlock"),
        (Place("bridge.py", 7, "if not lock.acquire():"), "self-deadlock"),
        (Place("bridge.py", 7, "item = self.queue.get()"), None),
        (Place("bridge.py", 7, "without(lock)"), None),
        (Place("bridge.py", 8, "with self.lock:"), None),
        (None, None),
    ],
)
def test_a_stripped_python_takes_a_lock_where_the_line_says_so(at: Place | None, expected: str | None) -> None:
    waits = replace(thread("a", LOCK, frames=NAMELESS), current=True)
    evidence = Evidence(threads=(waits,), looks=3)
    case = Case(Outcome.HANG, Phase.CALL, None, None, evidence, OBSERVED, "new", at=at)
    assert code(diagnose(case)) == expected


IN_JOIN: Final = (JavaFrame("java.lang.Object.wait0", None, None), JavaFrame("java.lang.Thread.join", None, None), OWN)
JOINS: Final = replace(thread("a", Wait(Awaited.THREAD, "Thread 0x01"), frames=IN_JOIN), current=True)
JOINS_ITSELF: Final = "Thread.currentThread().join()"


@pytest.mark.parametrize(
    ("source", "waits", "expected"),
    [
        (JOINS_ITSELF, JOINS, "self-deadlock"),
        (f"java.lang.{JOINS_ITSELF}  # never ends", JOINS, "self-deadlock"),
        ('jvm.JClass("java.lang.Thread").currentThread().join()', JOINS, "self-deadlock"),
        # It joins another thread, or for a time; or nothing tells which one.
        ("worker.join()", JOINS, None),
        ("worker.join()  # not Thread.currentThread().join()", JOINS, None),
        (f"worker.join(), {JOINS_ITSELF}", JOINS, None),
        ("Thread.currentThread().join(100)", JOINS, None),
        ("pool.currentThread().join()", JOINS, None),
        # The thread is elsewhere.
        (JOINS_ITSELF, replace(JOINS, stacks=((IN_JOIN[0], OWN),)), None),
        (JOINS_ITSELF, replace(JOINS, stacks=((*IN_JOIN[:2], PYTHON),)), None),
        (JOINS_ITSELF, replace(JOINS, stacks=(IN_JOIN[:2],)), None),
        (JOINS_ITSELF, replace(JOINS, motion=Motion.MOVING), None),
        (JOINS_ITSELF, replace(JOINS, current=False), None),
    ],
)
def test_a_thread_that_joins_itself(source: str, waits: Thread, expected: str | None) -> None:
    evidence = Evidence(threads=(waits, RUNS), looks=3)
    case = Case(Outcome.HANG, Phase.CALL, None, None, evidence, OBSERVED, "new", at=Place("bridge.py", 7, source))
    assert code(diagnose(case)) == expected
    assert diagnose(replace(case, evidence=replace(evidence, looks=2))) is None
