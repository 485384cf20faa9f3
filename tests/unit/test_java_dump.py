from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from pytest_foreignthread.evidence.java_dump import Blocked, parse_deadlocks, parse_thread_dump
from pytest_foreignthread.model.stacks import JavaFrame, JavaThread

DATA: Final = Path(__file__).parents[1] / "data"


def text_of(version: int, name: str = "") -> str:
    return (DATA / f"java_dump-{name}{version}.txt").read_text(encoding="utf-8")


DUMPS: Final = {
    version: {thread.name: thread for thread in parse_thread_dump(text_of(version))} for version in (17, 25)
}
PROXY: Final = (
    JavaFrame("org.jpype.proxy.JPypeProxy.hostInvoke", None, None, native=True),
    JavaFrame("org.jpype.proxy.JPypeProxy.invoke", None, None),
)


def frames(*places: str) -> tuple[JavaFrame, ...]:
    """Return the frames of `function File.java:1`, `function` or `function native` each."""
    found = []
    for function, _, place in (text.partition(" ") for text in places):
        file, _, line = place.partition(":")
        native = file == "native"
        found.append(JavaFrame(function, None if native else file or None, int(line) if line else None, native=native))
    return tuple(found)


POOL_WORKER: Final = {
    17: frames(
        "jdk.proxy2.$Proxy7.run",
        "java.util.concurrent.Executors$RunnableAdapter.call Executors.java:539",
        "java.util.concurrent.FutureTask.run FutureTask.java:264",
        "java.util.concurrent.ThreadPoolExecutor.runWorker ThreadPoolExecutor.java:1136",
        "java.util.concurrent.ThreadPoolExecutor$Worker.run ThreadPoolExecutor.java:635",
        "java.lang.Thread.run Thread.java:840",
    ),
    25: frames(
        "jdk.proxy2.$Proxy6.run",
        "java.util.concurrent.Executors$RunnableAdapter.call Executors.java:545",
        "java.util.concurrent.FutureTask.run FutureTask.java:328",
        "java.util.concurrent.ThreadPoolExecutor.runWorker ThreadPoolExecutor.java:1090",
        "java.util.concurrent.ThreadPoolExecutor$Worker.run ThreadPoolExecutor.java:614",
        "java.lang.Thread.runWith Thread.java:1487",
        "java.lang.Thread.run Thread.java:1474",
    ),
}
ADD: Final = frames("java.util.Vector.add Vector.java:795")


@pytest.mark.parametrize(
    ("version", "native_id", "vector", "worker"),
    [(17, 0x326, "0x000000069ea6e8d8", "0x000000069ea71fa8"), (25, 941, "0x0000000688282f30", "0x0000000688286488")],
)
def test_a_thread_blocked_on_a_monitor(version: int, native_id: int, vector: str, worker: str) -> None:
    assert DUMPS[version]["pool-1-thread-1"] == JavaThread(
        name="pool-1-thread-1",
        native_id=native_id,
        current=False,
        state="BLOCKED (on object monitor)",
        frames=(*ADD, *PROXY, *POOL_WORKER[version]),
        locks=(
            f"- waiting to lock <{vector}> (a java.util.Vector)",
            f"- <{worker}> (a java.util.concurrent.ThreadPoolExecutor$Worker)",
        ),
        daemon=False,
    )


@pytest.mark.parametrize(
    ("version", "native_id", "lock", "park", "line"),
    [(17, 0x327, "0x000000069e935a80", 211, 715), (25, 942, "0x000000068814a008", 223, 790)],
)
def test_a_parking_thread(version: int, native_id: int, lock: str, park: int, line: int) -> None:
    thread = DUMPS[version]["pool-1-thread-2"]
    assert (thread.native_id, thread.state) == (native_id, "WAITING (parking)")
    assert thread.frames[:3] == frames(
        "jdk.internal.misc.Unsafe.park native",
        f"java.util.concurrent.locks.LockSupport.park LockSupport.java:{park}",
        f"java.util.concurrent.locks.AbstractQueuedSynchronizer.acquire AbstractQueuedSynchronizer.java:{line}",
    )
    assert (
        thread.locks[0] == f"- parking to wait for  <{lock}> (a java.util.concurrent.locks.ReentrantLock$NonfairSync)"
    )


@pytest.mark.parametrize(("version", "lock"), [(17, "0x000000069e935a80"), (25, "0x000000068814a008")])
def test_the_owner_of_a_synchronizer(version: int, lock: str) -> None:
    owner = DUMPS[version]['holder "quoted" (odd)']
    assert owner.locks == (f"- <{lock}> (a java.util.concurrent.locks.ReentrantLock$NonfairSync)",)


@pytest.mark.parametrize(("version", "table"), [(17, "0x000000069eb79528"), (25, "0x0000000688310908")])
def test_a_monitor_held_while_python_is_called(version: int, table: str) -> None:
    thread = DUMPS[version]["computing"]
    assert (thread.state, thread.locks) == ("RUNNABLE", (f"- locked <{table}> (a java.util.Hashtable)",))
    assert thread.frames[:2] == PROXY
    assert thread.frames[3].function == "java.util.Hashtable.computeIfAbsent"


@pytest.mark.parametrize(("version", "native_id", "future"), [(17, 721, "069eb79aa0"), (25, 913, "06883926c8")])
def test_the_main_thread(version: int, native_id: int, future: str) -> None:
    main = DUMPS[version]["main"]
    assert main.native_id == native_id
    assert main.locks == (f"- parking to wait for  <0x000000{future}> (a java.util.concurrent.FutureTask)",)
    assert [frame.function for frame in main.frames] == [
        "jdk.internal.misc.Unsafe.park",
        "java.util.concurrent.locks.LockSupport.park",
        "java.util.concurrent.FutureTask.awaitDone",
        "java.util.concurrent.FutureTask.get",
    ]


def test_a_carrier_and_its_virtual_thread() -> None:
    carrier, virtual = DUMPS[25]["ForkJoinPool-1-worker-1"], DUMPS[25]["virtual thread #30"]
    assert (carrier.native_id, carrier.state, len(carrier.frames)) == (945, "Carrying virtual thread #30", 10)
    assert carrier.frames[-1] == JavaFrame(
        "java.util.concurrent.ForkJoinWorkerThread.run", "ForkJoinWorkerThread.java", 187
    )
    assert (virtual.native_id, virtual.state, len(virtual.frames)) == (None, None, 8)
    assert virtual.frames[:2] == PROXY
    assert virtual.frames[-1] == JavaFrame("jdk.internal.vm.Continuation.enter", "Continuation.java", 316)


def test_a_hidden_class_keeps_its_name() -> None:
    assert JavaFrame("java.lang.VirtualThread$$Lambda/0x0000000092030858.run", None, None) in (
        DUMPS[25]["VirtualThread-unblocker"].frames
    )


@pytest.mark.parametrize(("version", "count", "native_id"), [(17, 25, 0x2E4), (25, 28, 921)])
def test_hotspots_own_threads(version: int, count: int, native_id: int) -> None:
    assert DUMPS[version]["VM Thread"] == JavaThread("VM Thread", native_id, False, None, ())
    threads = parse_thread_dump(text_of(version))
    assert (
        len(threads) == count == sum(line.startswith('"') for line in text_of(version).splitlines()) + (version == 25)
    )
    assert [thread.current for thread in threads] == [False] * count


def made(*lines: str) -> tuple[JavaThread, ...]:
    return parse_thread_dump("\n".join(['"a" #1 prio=5 os_prio=0 tid=0x01 nid=0x10 runnable  [0x0]', *lines, ""]))


@pytest.mark.parametrize(
    ("line", "frame"),
    [
        ("at a.B.c(B.java:3)", JavaFrame("a.B.c", "B.java", 3)),
        ("at a.B.c(B.java)", JavaFrame("a.B.c", "B.java", None)),
        (
            "at java.base@25/java.lang.Thread.run(Thread.java:1474)",
            JavaFrame("java.lang.Thread.run", "Thread.java", 1474),
        ),
        ("at app//a.B.c(B.java:3)", JavaFrame("a.B.c", "B.java", 3)),
        ("at app/a@1.0/a.B.c(B.java:3)", JavaFrame("a.B.c", "B.java", 3)),
        ("at user$eval__12.invoke(NO_SOURCE_FILE:1)", JavaFrame("user$eval__12.invoke", "NO_SOURCE_FILE", 1)),
        ("at a.BKt.it says so(B.kt:3)", JavaFrame("a.BKt.it says so", "B.kt", 3)),
        ("at a.B.c(Native Method)", JavaFrame("a.B.c", None, None, native=True)),
        ("at a.B.c(java.base@25/Native Method)", JavaFrame("a.B.c", None, None, native=True)),
        ("at a.B.<init>(Unknown Source)", JavaFrame("a.B.<init>", None, None)),
        ("at a.B.c()", JavaFrame("a.B.c", None, None)),
    ],
)
def test_a_frame(line: str, frame: JavaFrame) -> None:
    assert made(f"\t{line}") == (JavaThread("a", 16, False, None, (frame,), daemon=False),)


@pytest.mark.parametrize(
    ("header", "native_id", "daemon"),
    [
        ('"b" #9 [77] daemon prio=5 os_prio=0 cpu=0.1ms elapsed=1.0s tid=0x0f  [0x0]', 77, True),
        ('"b" #9 [77] prio=5 os_prio=0 cpu=0.1ms elapsed=1.0s tid=0x0f  [0x0]', 77, False),
        ('"b" #9 prio=5 os_prio=0 tid=0x0f nid=77 runnable', 77, False),
        ('"b" #9 daemon prio=5 os_prio=0 cpu=0.1ms elapsed=1.0s tid=0x0f nid=NA runnable', None, True),
        ('"b" os_prio=0 cpu=0.1ms elapsed=1.0s tid=0x0f nid=12 runnable  ', 12, None),
    ],
)
def test_a_header(header: str, native_id: int | None, daemon: bool | None) -> None:
    assert made(header)[1:] == (JavaThread("b", native_id, False, None, (), daemon=daemon),)


def test_the_list_of_deadlocks_names_no_thread_twice() -> None:
    found = made(
        "",
        "Found one Java-level deadlock:",
        "=============================",
        '"a":',
        "  waiting to lock monitor 0x01 (object 0x02, a java.lang.Object),",
        '  which is held by "b"',
        "Java stack information for the threads listed above:",
        '"a":',
        "\tat a.B.c(B.java:3)",
        "\t- waiting to lock <0x02> (a java.lang.Object)",
    )
    assert found == (JavaThread("a", 16, False, None, (), daemon=False),)


def test_no_synchronizer_is_no_lock() -> None:
    assert made("", "   Locked ownable synchronizers:", "\t- None")[0].locks == ()


@pytest.mark.parametrize("text", ["", "\n", "main", '"main"\n', '"main" #1 prio=5\n', "\0", "Full thread dump\n"])
def test_other_text(text: str) -> None:
    assert parse_thread_dump(text) == ()


SYNC: Final = "java.util.concurrent.locks.ReentrantLock$NonfairSync"
# A vector, a table, and two locks.
LOCKED: Final = {
    17: ("0x0000000689253290", "0x00000006892a8ab0", "0x00000006892bc170", "0x00000006892bc140"),
    25: ("0x0000000688f811d0", "0x0000000688fd5ea8", "0x0000000688ffd998", "0x0000000688ffd968"),
}


@pytest.mark.parametrize("version", [17, 25])
def test_two_deadlocks(version: int) -> None:
    """The monitors were entered by JNI: but for this list, HotSpot tells no owner."""
    vector, table, one, other = LOCKED[version]
    assert parse_deadlocks(text_of(version, "deadlock-")) == (
        Blocked("foreign-1", one, SYNC, "foreign-4"),
        Blocked("foreign-4", other, SYNC, "foreign-1"),
        Blocked("foreign-2", vector, "java.util.Vector", "foreign-3"),
        Blocked("foreign-3", table, "java.util.Hashtable", "foreign-2"),
    )


@pytest.mark.parametrize("version", [17, 25])
def test_the_threads_of_a_dump_with_deadlocks(version: int) -> None:
    parsed = parse_thread_dump(text_of(version, "deadlock-"))
    threads = {thread.name: thread for thread in parsed}
    assert len(threads) == len(parsed)
    assert [threads[f"foreign-{number}"].state for number in (1, 2, 3, 4)] == [
        "WAITING (parking)",
        "BLOCKED (on object monitor)",
        "BLOCKED (on object monitor)",
        "WAITING (parking)",
    ]
    one, other = LOCKED[version][2:]
    assert threads["foreign-1"].locks == (f"- parking to wait for  <{one}> (a {SYNC})", f"- <{other}> (a {SYNC})")
    assert threads["foreign-2"].locks == ()


LINK: Final = '"a":\n  waiting to lock monitor 0x01 (object 0x02, a java.lang.Object),\n  which is held by "b"\n'
OBJECT: Final = Blocked("a", "0x02", "java.lang.Object", "b")


@pytest.mark.parametrize(
    ("text", "links"),
    [
        (LINK, (OBJECT,)),
        (LINK.replace("),\n  which", ")\n  in JNI, which"), (OBJECT,)),
        (LINK + LINK, (OBJECT,)),
        (LINK + LINK.replace('"a"', '"c"'), (OBJECT, Blocked("c", "0x02", "java.lang.Object", "b"))),
        (LINK.replace('"a"', '"a "x" (b)"'), (Blocked('a "x" (b)', "0x02", "java.lang.Object", "b"),)),
        (LINK.replace('"b"', "an unknown thread"), ()),
        (LINK[:-3], ()),
        ("", ()),
    ],
)
def test_the_list_of_deadlocks(text: str, links: tuple[Blocked, ...]) -> None:
    assert parse_deadlocks(text) == links
