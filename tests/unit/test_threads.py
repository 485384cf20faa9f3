from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from pytest_foreignthread.evidence.java_dump import Blocked
from pytest_foreignthread.evidence.motion import Look
from pytest_foreignthread.evidence.threads import Sources, join_threads
from pytest_foreignthread.model.stacks import (
    Awaited,
    FatalError,
    Frame,
    Gil,
    JavaFrame,
    JavaThread,
    Motion,
    NativeFrame,
    NativeThread,
    OsThread,
    PythonFrame,
    PythonThread,
    Thread,
    Wait,
)

BODY: Final = PythonFrame("/project/test_bridge.py", 3, "body")
OTHER: Final = PythonFrame("/project/test_bridge.py", 9, "other")
PROXY: Final = JavaFrame("org.jpype.proxy.JPypeProxy.hostInvoke", None, None, native=True)
RUN: Final = JavaFrame("java.lang.Thread.run", "Thread.java", 840)
JIT: Final = NativeFrame(None, None, "")


def python(ident: int, *frames: PythonFrame, native_id: int | None = None, current: bool = False) -> PythonThread:
    return PythonThread(ident, None, current, frames, native_id)


def java(native_id: int | None, *frames: JavaFrame, name: str = "pool-1-thread-1") -> JavaThread:
    return JavaThread(name, native_id, False, "RUNNABLE", frames)


def native(native_id: int, *frames: PythonFrame | NativeFrame, gil: Gil | None = None) -> NativeThread:
    return NativeThread(native_id, "pool-1-thread-1", gil, frames)


def c(name: str) -> NativeFrame:
    return NativeFrame("libc.so.6", name, "")


def task(native_id: int, pointer: int | None = None) -> OsThread:
    return OsThread(native_id, "pool-1-thread-1", "S", 0.0, (202,), pointer)


def ids(threads: tuple[Thread, ...]) -> list[tuple[int | None, int | None]]:
    """Return the kernel's id and Python's of each."""
    return [(thread.native_id, thread.python_id) for thread in threads]


def fatal(native_id: int | None = 7, name: str | None = None, *frames: NativeFrame) -> FatalError:
    return FatalError("SIGSEGV", "0x10", None, "SIGSEGV (0xb)", None, native_id, name, None, frames, ())


def test_all_sides_of_a_thread_are_joined_by_the_kernels_id() -> None:
    sources = Sources(
        python=(python(1, BODY, native_id=7, current=True),),
        java=(java(7, PROXY, RUN),),
        native=(native(7, c("sem_wait"), BODY, c("hostInvoke"), JIT, c("clone"), gil=Gil.WAITS),),
        os=(task(7),),
    )
    (thread,) = join_threads(sources)
    assert thread == Thread(
        name="pool-1-thread-1",
        native_id=7,
        python_id=1,
        current=True,
        stacks=((c("sem_wait"), BODY, c("hostInvoke"), PROXY, RUN, c("clone")),),
        java_state="RUNNABLE",
        gil=Gil.WAITS,
        waits=(Wait(Awaited.GIL, "the GIL"),),
        system_call=(202,),
    )


@pytest.mark.parametrize(
    ("pythons", "natives", "joined"),
    [
        ([python(1, BODY)], [native(7, BODY)], [(7, 1)]),
        ([python(1, BODY), python(2, OTHER)], [native(7, OTHER), native(8, BODY)], [(8, 1), (7, 2)]),
        # Two have the same frames, on either side: which is which is not known.
        ([python(1, BODY), python(2, BODY)], [native(7, BODY)], [(None, 1), (None, 2), (7, None)]),
        ([python(1, BODY)], [native(7, BODY), native(8, BODY)], [(None, 1), (7, None), (8, None)]),
        ([python(1, BODY)], [native(7, OTHER, gil=Gil.HOLDS)], [(None, 1), (7, None)]),
        ([python(1)], [native(7, c("read"))], [(None, 1)]),
        # A thread that has entered Python and waits for the GIL.
        ([python(1)], [native(7, c("take_gil"), gil=Gil.WAITS), native(8, c("read"))], [(7, 1)]),
        ([python(1), python(2)], [native(7, gil=Gil.WAITS)], [(None, 1), (None, 2), (7, None)]),
        ([python(1)], [native(7, gil=Gil.WAITS), native(8, gil=Gil.WAITS)], [(None, 1), (7, None), (8, None)]),
        # The child told of one of them.
        ([python(1, BODY, native_id=7), python(2, BODY)], [native(7, BODY), native(8, BODY)], [(7, 1), (8, 2)]),
    ],
)
def test_pythons_ids_are_joined_by_equal_frames(
    pythons: list[PythonThread], natives: list[NativeThread], joined: list[tuple[int | None, int | None]]
) -> None:
    assert ids(join_threads(Sources(python=tuple(pythons), native=tuple(natives)))) == joined


@pytest.mark.parametrize(
    ("tasks", "joined"),
    [
        # Stacks grow down from the descriptor, whose address is the id.
        ([task(7, 0x1F00), task(8, 0x2F00)], [(7, 0x2000), (8, 0x3000)]),
        ([task(7, 0x1F00)], [(7, 0x2000), (None, 0x3000)]),
        ([task(8, 0x2F00)], [(None, 0x2000), (8, 0x3000)]),
        ([task(7, 0x3F00)], [(None, 0x2000), (None, 0x3000)]),
        # One runs, and shows no stack pointer: its neighbour's would be taken for its own.
        ([task(7), task(8, 0x1F00)], [(None, 0x2000), (None, 0x3000)]),
    ],
)
def test_pythons_ids_are_joined_by_the_stack(
    tasks: list[OsThread], joined: list[tuple[int | None, int | None]]
) -> None:
    pythons = (python(0x2000, BODY), python(0x3000, BODY))
    assert ids(join_threads(Sources(python=pythons, os=tuple(tasks)))) == joined


def test_what_the_child_sent_comes_before_the_stack() -> None:
    pythons = (python(0x2000, BODY, native_id=9), python(0x3000, BODY))
    tasks = (task(9), task(8, 0x2F00))
    assert ids(join_threads(Sources(python=pythons, os=tasks))) == [(9, 0x2000), (8, 0x3000)]
    others = (task(9), task(8, 0x1F00))
    assert ids(join_threads(Sources(python=pythons, os=others))) == [(9, 0x2000), (None, 0x3000)]


def test_a_kernel_id_that_two_threads_claim_loses_neither() -> None:
    """What the child told of an ended thread is kept, and the kernel gives its id again."""
    pythons = (python(1, BODY, native_id=7), python(2, OTHER, native_id=7))
    joined = join_threads(Sources(python=pythons, java=(java(7, PROXY, RUN),)))
    assert [thread.python_frames for thread in joined] == [(BODY,), (OTHER,)]


def test_the_thread_that_crashed_comes_first() -> None:
    sources = Sources(
        python=(python(1, OTHER, native_id=6), python(2, BODY, native_id=7, current=True)),
        java=(replace(java(7, PROXY, RUN), current=True),),
        fatal=fatal(7, "pool-1-thread-1", c("memcpy")),
    )
    assert [(thread.current, thread.stacks) for thread in join_threads(sources)] == [
        (True, ((c("memcpy"), BODY, PROXY, RUN),)),
        (False, ((OTHER,),)),
    ]


def test_the_thread_that_crashed_when_the_child_sent_no_kernel_id() -> None:
    sources = Sources(python=(python(1, BODY, current=True),), fatal=fatal(7, None, c("memcpy")))
    assert [(thread.native_id, thread.stacks) for thread in join_threads(sources)] == [(7, ((c("memcpy"), BODY),))]


@pytest.mark.parametrize("told", [None, 7, 8])
@pytest.mark.parametrize("native_id", [None, 7])
def test_the_thread_that_crashed_is_one(native_id: int | None, told: int | None) -> None:
    """The head of a torn hs_err may tell no id, and what the child told may be of an ended thread."""
    sources = Sources(
        python=(python(2, OTHER, native_id=7), python(1, BODY, native_id=told, current=True)),
        java=(replace(java(native_id, PROXY, RUN), current=True),),
        fatal=fatal(native_id, "pool-1-thread-1", c("memcpy")),
    )
    crashed, other = join_threads(sources)
    assert (crashed.current, crashed.stacks) == (True, ((c("memcpy"), BODY, PROXY, RUN),))
    assert (other.current, other.stacks) == (False, ((OTHER,),))


def test_a_thread_that_crashed_and_that_python_does_not_know() -> None:
    sources = Sources(
        python=(python(1, BODY, native_id=6),),
        java=(replace(java(7, RUN), current=True),),
        native=(native(7, c("_PyType_Lookup"), JIT, c("clone")),),
        fatal=fatal(7, "pool-1-thread-1", c("_PyType_Lookup")),
    )
    crashed, other = join_threads(sources)
    assert (crashed.python_id, crashed.native_id, crashed.current) == (None, 7, True)
    assert crashed.stacks == ((c("_PyType_Lookup"), RUN, c("clone")),)
    assert (other.native_id, other.current) == (6, False)


@pytest.mark.parametrize(
    ("frames", "left"),
    [
        ([c("wait4"), c("report"), c("__restore_rt"), c("memcpy"), BODY], (c("memcpy"), BODY)),
        ([c("memcpy"), BODY], (c("memcpy"), BODY)),
        ([c("wait4"), c("__restore_rt")], (BODY,)),
    ],
)
def test_the_frames_of_a_signal_handler_are_left_out(
    frames: list[PythonFrame | NativeFrame], left: tuple[Frame, ...]
) -> None:
    sources = Sources(python=(python(1, BODY, native_id=7),), native=(native(7, *frames),))
    assert join_threads(sources)[0].stacks == (left,)


def test_a_thread_in_which_c_code_alone_runs_is_left_out() -> None:
    natives = (native(8, c("epoll_wait")), native(9, c("read"), gil=Gil.HOLDS))
    assert ids(join_threads(Sources(java=(java(7, RUN),), native=natives, os=(task(10),)))) == [(7, None), (9, None)]


@pytest.mark.parametrize(("call", "motion"), [((202, 1, 128), Motion.STILL), ((), None)])
def test_a_thread_of_c_counts_in_a_hang_without_a_jvm(call: tuple[int, ...], motion: Motion | None) -> None:
    natives = (native(8, c("lll_lock_wait")), native(9, c("read"), gil=Gil.HOLDS))
    tasks = tuple(replace(task(native_id), system_call=call) for native_id in (8, 9, 10))
    looks = (Look((), (), tasks),) * 3
    joined = join_threads(Sources(native=natives, os=tasks, looks=looks))
    assert [(thread.native_id, thread.motion) for thread in joined] == [(8, motion), (9, motion)]
    with_jvm = join_threads(Sources(native=natives, os=tasks, java=(java(7, RUN),), looks=looks))
    assert ids(with_jvm) == [(7, None), (9, None)]


def test_a_thread_of_c_that_runs() -> None:
    looks = [Look((), (), (replace(task(8), cpu_time=seconds),)) for seconds in (1.0, 1.2, 1.4)]
    (thread,) = join_threads(Sources(native=(native(8, c("spin")),), os=looks[0].os, looks=tuple(looks)))
    assert thread.motion is Motion.RUNNING


def test_a_virtual_thread_stands_beside_its_carrier() -> None:
    """It has no id of the kernel's; Python's frames on it are found by the carrier's."""
    carrier = java(7, RUN, name="ForkJoinPool-1-worker-1")
    virtual = java(None, PROXY, name="virtual thread #30")
    joined = join_threads(Sources(python=(python(1, BODY, native_id=7),), java=(carrier, virtual)))
    assert [(thread.name, thread.stacks) for thread in joined] == [
        ("ForkJoinPool-1-worker-1", ((BODY,), (RUN,))),
        ("virtual thread #30", ((PROXY,),)),
    ]
    assert joined[0].apart == "no Java frame shows where Python was entered"


def test_two_virtual_threads_are_two() -> None:
    virtual = tuple(java(None, PROXY, name=f"virtual thread #{number}") for number in (30, 31))
    assert [thread.name for thread in join_threads(Sources(java=virtual))] == [
        "virtual thread #30",
        "virtual thread #31",
    ]


@pytest.mark.parametrize(
    ("sources", "name"),
    [
        (Sources(python=(replace(python(1, BODY, native_id=7), name="told"),), java=(java(7, RUN, name="x"),)), "told"),
        (Sources(python=(python(1, BODY, native_id=7),), java=(java(7, RUN, name="x"),)), "x"),
        (Sources(python=(python(1, BODY, native_id=7),), os=(task(7),)), "pool-1-thread-1"),
        (Sources(python=(python(1, BODY, native_id=7),)), None),
    ],
)
def test_the_name(sources: Sources, name: str | None) -> None:
    assert join_threads(sources)[0].name == name


BOOTSTRAP: Final = tuple(
    PythonFrame("/usr/lib/python3.11/threading.py", line, name)
    for line, name in ((982, "run"), (1045, "_bootstrap_inner"), (1002, "_bootstrap"))
)
OWN_RUN: Final = PythonFrame("/project/feed.py", 7, "run")
WAIT: Final = PythonFrame("/usr/lib/python3.11/threading.py", 327, "wait")


@pytest.mark.parametrize(
    ("frames", "name"),
    [
        ((BODY, *BOOTSTRAP), "Thread (body)"),
        ((WAIT, OTHER, BODY, *BOOTSTRAP), "Thread (body)"),
        # A subclass of threading.Thread with a `run` of its own.
        ((BODY, OWN_RUN, *BOOTSTRAP[1:]), "Thread (run)"),
        # threading.Timer has its `run` in threading itself.
        ((WAIT, PythonFrame(WAIT.file, 1376, "run"), *BOOTSTRAP[1:]), "Thread (run)"),
        # C started the thread, and has not named it.
        ((BODY,), None),
    ],
)
def test_a_thread_that_inherits_the_name_of_its_starter(frames: tuple[PythonFrame, ...], name: str | None) -> None:
    starter = replace(python(1, OTHER, native_id=7), name="pool-1-thread-1")
    by_python = Sources(python=(starter, python(2, *frames, native_id=8)), os=(task(7), task(8)))
    by_pystack = Sources(python=(starter,), os=(task(7), task(8)), native=(native(8, *frames, gil=Gil.WAITS),))
    assert [thread.name for thread in join_threads(by_python)] == ["pool-1-thread-1", name]
    assert [thread.name for thread in join_threads(by_pystack)] == ["pool-1-thread-1", name]


def test_a_thread_whose_starter_has_ended() -> None:
    sources = Sources(python=(python(2, BODY, *BOOTSTRAP, native_id=8),), os=(task(8),))
    assert join_threads(sources)[0].name == "Thread (body)"


def test_a_name_that_only_threads_of_c_have_is_kept() -> None:
    threads = join_threads(
        Sources(python=(python(1, BODY, native_id=8), python(2, native_id=9)), os=(task(8), task(9)))
    )
    assert [thread.name for thread in threads] == ["pool-1-thread-1"] * 2


def test_a_thread_that_crashed_as_well_moved_after_python_wrote() -> None:
    written = python(2, WAIT, BODY, *BOOTSTRAP, native_id=8)
    error = replace(fatal(7), also=(8, 9))
    sources = Sources(python=(python(1, OTHER, native_id=7, current=True), written), fatal=error)
    _, waits = join_threads(sources)
    assert (waits.also_crashed, waits.python_frames) == (False, written.frames)
    sources = replace(sources, native=(native(8, c("f"), BODY, *BOOTSTRAP), native(9, c("f")), native(10, c("f"))))
    first, *also = join_threads(sources)
    assert not first.also_crashed
    assert [(one.native_id, one.also_crashed, one.apart) for one in also] == [(8, True, None), (9, True, None)]
    assert [one.stacks for one in also] == [((c("f"), BODY, *BOOTSTRAP),), ((c("f"),),)]


def test_the_motion_of_a_hang() -> None:
    first = Look((python(1, BODY, native_id=7),), (java(7, PROXY, RUN),), ())
    second = Look((python(1, OTHER, native_id=7),), (java(7, PROXY, RUN),), ())
    (thread,) = join_threads(Sources(first.python, first.java, looks=(first, second)))
    assert (thread.motion, thread.seen) == (Motion.MOVING, (BODY, OTHER))
    assert join_threads(Sources(first.python, first.java))[0].motion is None


@pytest.mark.parametrize(
    ("later", "joined"), [(0x800, [(7, 0x1000), (8, None)]), (None, [(None, 0x1000), (7, None), (8, None)])]
)
def test_a_thread_that_ran_during_one_look_is_placed_by_another(
    later: int | None, joined: list[tuple[int | None, int | None]]
) -> None:
    """Of a JVM some thread runs most of the time."""
    listed = (python(0x1000, BODY),), (java(7, PROXY, RUN), java(8, RUN))
    first, second = Look(*listed, (task(7), task(8, 0x5000))), Look(*listed, (task(7, later), task(8)))
    found = join_threads(Sources(*listed, os=first.os, looks=(first, second)))
    assert ids(found) == joined


def test_the_owner_of_a_wait_is_a_place_in_the_result() -> None:
    """The current thread comes first, whatever the documents' order."""
    wants = JavaThread("a", 6, False, "BLOCKED (on object monitor)", ())
    sources = Sources(
        python=(python(2, OTHER, native_id=6), python(1, BODY, native_id=7, current=True)),
        java=(wants, java(7, RUN, name="b")),
        deadlocks=(Blocked("a", "0x01", "java.util.Vector", "b"),),
    )
    first, second = join_threads(sources)
    assert (first.native_id, second.native_id) == (7, 6)
    assert [wait.owner for wait in second.waits] == [0]


def test_nothing_gives_nothing() -> None:
    assert join_threads(Sources()) == ()


def test_threads_of_one_name_are_told_apart() -> None:
    """A thread that C code starts on another inherits its name."""
    sources = Sources(
        python=(python(1, BODY, native_id=7), python(2, OTHER, native_id=8), python(3, native_id=9)),
        java=(java(7, RUN, name="foreign-1"), java(8, RUN, name="foreign-1"), java(9, RUN, name="foreign-2")),
    )
    shared = {thread.native_id: thread.shares_name for thread in join_threads(sources)}
    assert shared == {7: True, 8: True, 9: False}


def test_threads_without_a_name_share_none() -> None:
    threads = join_threads(Sources(python=(python(1, BODY, native_id=7), python(2, OTHER, native_id=8))))
    assert [thread.shares_name for thread in threads] == [False, False]
