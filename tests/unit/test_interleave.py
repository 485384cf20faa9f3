from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_foreignthread.evidence.interleave import Interleaved, interleave
from pytest_foreignthread.evidence.native_dump import parse_native_dump
from pytest_foreignthread.model.stacks import Frame, JavaFrame, NativeFrame, PythonFrame

DATA: Final = Path(__file__).parents[1] / "data"
TEST_FILE: Final = "/project/test_bridge.py"
# A word that ends in ! is a native method of Java's.
PROXY: Final = "org.jpype.proxy.JPypeProxy.hostInvoke!"
JEP: Final = "jep.Interpreter.invoke!"
JNIUS: Final = "org.jnius.NativeInvocationHandler.invoke0!"
PARK: Final = "jdk.internal.misc.Unsafe.park!"
GET: Final = "java.util.concurrent.FutureTask.get"
TASK: Final = "java.util.concurrent.FutureTask.run"
RUN: Final = "java.lang.Thread.run"
JNA: Final = "com.sun.jna.Native.invokePointer!"
STUB: Final = "~StubRoutines::call_stub"
UPCALL: Final = "~RuntimeStub::upcall_stub_(Ljava/lang/Object;)V"


def py(words: str) -> list[PythonFrame]:
    """Return Python's frames of the functions in the text; `__call__` is the one of this plugin's callback."""
    file = "/lib/pytest_foreignthread/child/callback.py"
    return [PythonFrame(file if word == "__call__" else TEST_FILE, 1, word) for word in words.split()]


def java(words: str) -> list[JavaFrame]:
    return [JavaFrame(word.rstrip("!"), None, None, native=word.endswith("!")) for word in words.split()]


def native(words: str) -> list[PythonFrame | NativeFrame]:
    """Return pystack's frames: `'f'` is Python's, `?` has no name, `?x.so` none but a library, others are of libjvm."""
    frames: list[PythonFrame | NativeFrame] = []
    for word in words.split():
        if word.startswith("'"):
            frames += py(word.strip("'"))
        else:
            library = (word[1:] or None) if word.startswith("?") else "libjvm.so"
            frames.append(NativeFrame(library, None if word.startswith("?") else word, ""))
    return frames


def word(frame: Frame) -> str:
    if isinstance(frame, PythonFrame):
        return f"'{frame.function}'"
    if isinstance(frame, JavaFrame):
        return frame.function + "!" * frame.native
    return frame.function or f"?{frame.library or ''}"


def words(joined: Interleaved) -> list[str]:
    """Return a text for each stack."""
    return [" ".join(map(word, stack)) for stack in joined.stacks]


@pytest.mark.parametrize(
    ("python", "of_java", "stack"),
    [
        ("", "", []),
        ("a b", "", ["'a' 'b'"]),
        ("", f"{PARK} {GET} {RUN}", [f"{PARK} {GET} {RUN}"]),
        ("body", f"{PROXY} {TASK} {RUN}", [f"'body' {PROXY} {TASK} {RUN}"]),
        ("body", f"{JEP} {RUN}", [f"'body' {JEP} {RUN}"]),
        ("body", f"{JNIUS} {RUN}", [f"'body' {JNIUS} {RUN}"]),
        ("call main", f"{PARK} {GET}", [f"{PARK} {GET} 'call' 'main'"]),
        ("body", f"{PARK} {GET} {PROXY} {RUN}", [f"{PARK} {GET} 'body' {PROXY} {RUN}"]),
        ("body", f"a.B.loop {PROXY} {RUN}", [f"a.B.loop 'body' {PROXY} {RUN}"]),
        ("body __call__ call main", f"{PROXY} {TASK}", [f"'body' '__call__' {PROXY} {TASK} 'call' 'main'"]),
        (
            "body __call__ call main",
            f"{PARK} {GET} {PROXY} {TASK}",
            [f"{PARK} {GET} 'body' '__call__' {PROXY} {TASK} 'call' 'main'"],
        ),
        (
            "inner __call__ outer __call__",
            f"{PROXY} a.B.c {PROXY} {RUN}",
            [f"'inner' '__call__' {PROXY} a.B.c 'outer' '__call__' {PROXY} {RUN}"],
        ),
    ],
)
def test_without_native_frames(python: str, of_java: str, stack: list[str]) -> None:
    joined = interleave(py(python), java(of_java), ())
    assert (words(joined), joined.apart) == (stack, None)


ENTERS: Final = "Java enters Python {}, and nothing tells where in Python's stack"
NOWHERE: Final = "no Java frame shows where Python was entered"


@pytest.mark.parametrize(
    ("python", "of_java", "reason"),
    [
        # Another bridge's callbacks in the mode `same`, then nested ones, then one cut too many.
        ("body call main", f"{PROXY} {TASK}", ENTERS.format("1 time")),
        (
            "inner outer",
            f"{PROXY} {PROXY} {RUN}",
            ENTERS.format("2 times"),
        ),
        (
            "inner __call__ outer __call__ main",
            f"{PROXY} {TASK}",
            ENTERS.format("1 time"),
        ),
        # A bridge that is not known: a native method of its own, or a call by java.lang.foreign, which leaves no frame.
        ("body", f"{JNA} a.B.c {RUN}", NOWHERE),
        ("body", f"a.B.c {RUN}", NOWHERE),
        ("body", f"{PARK} {GET} {RUN}", NOWHERE),
        ("body main", f"{JNA} a.B.c", NOWHERE),
        ("body main", "a.B.c", NOWHERE),
    ],
)
def test_no_order_is_proved_without_native_frames(python: str, of_java: str, reason: str) -> None:
    joined = interleave(py(python), java(of_java), ())
    assert words(joined) == [" ".join(f"'{name}'" for name in python.split()), of_java]
    assert joined.apart == reason


POOL: Final = f"{PROXY} {TASK} {RUN}"
CTYPES: Final = "_ctypes.cpython-311-x86_64-linux-gnu.so"
CALL_HELPER: Final = "JavaCalls::call_helper(JavaValue*)"
ROOM: Final = "Java shows {} of a stack, the native stack has room for {}"
# hs_err does not tell which methods are native.
INVOKE: Final = PROXY.rstrip("!")


@pytest.mark.parametrize(
    ("python", "of_java", "of_c", "stack"),
    [
        ("body", POOL, "sem 'body' hostInvoke ? ? call_helper", f"sem 'body' hostInvoke {POOL} call_helper"),
        ("main", f"{PARK} {GET}", "park ? ? jni_Call 'main' _start", f"park {PARK} {GET} jni_Call 'main' _start"),
        (
            "body",
            f"{PARK} {GET} {POOL}",
            "park ? jni_Call 'body' hostInvoke ? call_helper",
            f"park {PARK} {GET} jni_Call 'body' hostInvoke {POOL} call_helper",
        ),
        # A native method that calls Java begins a piece of its own, with C frames between.
        (
            "",
            f"a.B.c b.C.invoke0! {RUN}",
            "? JVM_Invoke ? call_helper",
            f"a.B.c JVM_Invoke b.C.invoke0! {RUN} call_helper",
        ),
        # Where libjvm has no symbols its frames have no names either; compiled code is taken for a neighbour of it.
        ("body", POOL, "'body' h ? ?libjvm.so ?libjvm.so", f"'body' h {POOL} ?libjvm.so ?libjvm.so"),
        ("body", POOL, "'body' h ?libsimdsort.so ? ?libsimdsort.so call", f"'body' h {POOL} call"),
        # On aarch64 pystack's walk ends with a frame of nothing, below the C that calls Java.
        ("body", POOL, f"'body' h ? ? {CALL_HELPER} ?", f"'body' h {POOL} {CALL_HELPER}"),
        ("body", POOL, f"'body' ?libffi.so.8 h ? {CALL_HELPER} ?", f"'body' ?libffi.so.8 h {POOL} {CALL_HELPER}"),
        # A stripped Python has no names either: neither its own functions, nor its modules', are Java's.
        ("body", POOL, "?python3.11 'body' ?python3.11 h ? c", f"?python3.11 'body' ?python3.11 h {POOL} c"),
        ("body", POOL, "?libpython3.9.so.1.0 'body' h ? c", f"?libpython3.9.so.1.0 'body' h {POOL} c"),
        ("body", POOL, f"?{CTYPES} 'body' ?{CTYPES} h ? c", f"?{CTYPES} 'body' ?{CTYPES} h {POOL} c"),
        ("body", POOL, "?libffi.so.8 'body' ?libffi.so.8 h ? c", f"?libffi.so.8 'body' ?libffi.so.8 h {POOL} c"),
        ("body", "", "sem 'body' h ? call", "sem 'body' h ? call"),
        ("", POOL, "sem 'body' h ? call", f"sem 'body' h {POOL} call"),
        ("", "", "sem 'body' h", "sem 'body' h"),
        # Of hs_err, which shows where C calls Java: a thread dump shows native methods.
        ("body", f"a.B.c {STUB} {INVOKE} {RUN} {STUB}", "u ? j 'body' h ? c", f"u a.B.c j 'body' h {INVOKE} {RUN} c"),
        ("body", f"a.B.c {UPCALL} a.D.e {RUN} {STUB}", "x ? up 'body' ? c", f"x a.B.c up 'body' a.D.e {RUN} c"),
        # What stands alone is not apart: pystack's Python frames are others, but it shows none of C's.
        ("a b", "", "'a'", "'a' 'b'"),
        # faulthandler shows 100 frames at most.
        ("body", POOL, "'body' 'older' h ? call", f"'body' 'older' h {POOL} call"),
    ],
)
def test_with_native_frames(python: str, of_java: str, of_c: str, stack: str) -> None:
    joined = interleave(py(python), java(of_java), native(of_c))
    assert (words(joined), joined.apart) == ([stack], None)


@pytest.mark.parametrize(
    ("python", "of_java", "of_c", "stacks", "reason"),
    [
        (
            "body",
            POOL,
            "park ? 'body' h ? call",
            ["park ? 'body' h ? call", POOL],
            ROOM.format("1 piece", 2),
        ),
        # A call by java.lang.foreign: no native method parts the two pieces.
        (
            "body",
            f"a.B.c a.D.e {RUN}",
            "x ? down 'body' up ? call",
            ["x ? down 'body' up ? call", f"a.B.c a.D.e {RUN}"],
            ROOM.format("1 piece", 2),
        ),
        (
            "body",
            f"{PARK} {POOL}",
            "'body' h call",
            ["'body' h call", f"{PARK} {POOL}"],
            ROOM.format("2 pieces", 0),
        ),
        # Java may be below another frame of libjvm's.
        ("body", POOL, "'body' h ? JVM_Invoke ?", ["'body' h ? JVM_Invoke ?", POOL], ROOM.format("1 piece", 2)),
        ("", f"a.B.c {STUB} {RUN} {STUB}", "x ? c", ["x ? c", f"a.B.c {RUN}"], ROOM.format("2 pieces", 1)),
        # The count fits, but the nameless frame is of a library that has names, so it is not Java's.
        ("body", POOL, "'body' ?libjvm.so call", ["'body' ?libjvm.so call", POOL], ROOM.format("1 piece", 0)),
        ("body", POOL, "sem h ? call", ["sem h ? call", f"'body' {POOL}"], "pystack shows no frame of Python's"),
        (
            "body",
            f"a.B.c {RUN}",
            "sem ? c",
            ["sem ? c", "'body'", f"a.B.c {RUN}"],
            "pystack shows no frame of Python's",
        ),
        (
            "other __call__ body",
            POOL,
            "sem 'body' h ? call",
            ["sem h ? call", f"'other' '__call__' 'body' {POOL}"],
            "the thread moved between the dump and pystack's look",
        ),
    ],
)
def test_no_order_is_proved_by_native_frames(
    python: str, of_java: str, of_c: str, stacks: list[str], reason: str
) -> None:
    joined = interleave(py(python), java(of_java), native(of_c))
    assert (words(joined), joined.apart) == (stacks, reason)


HS_POOL: Final = f"{INVOKE} {RUN} {STUB}"
HIDDEN: Final = "HotSpot does not show which C frames Python's stand for"


@pytest.mark.parametrize(
    ("python", "of_java", "top", "stacks", "reason"),
    [
        ("body", HS_POOL, "lookup", [f"lookup 'body' {INVOKE} {RUN}"], None),
        (
            "body",
            HS_POOL,
            "lookup _PyEval_EvalFrameDefault",
            [f"lookup _PyEval_EvalFrameDefault 'body' {INVOKE} {RUN}"],
            None,
        ),
        (
            "body",
            HS_POOL,
            "f _PyEval_EvalFrameDefault g",
            ["f _PyEval_EvalFrameDefault g", f"'body' {INVOKE} {RUN}"],
            HIDDEN,
        ),
        ("body", f"a.B.c {RUN}", "lookup", ["lookup", "'body'", f"a.B.c {RUN}"], NOWHERE),
        ("", "", "f g", ["f g"], None),
        ("body", "", "f", ["f 'body'"], None),
    ],
)
def test_the_c_frames_of_hs_err(python: str, of_java: str, top: str, stacks: list[str], reason: str | None) -> None:
    frames = [NativeFrame("libpython3.11.so", name, "") for name in top.split()]
    joined = interleave(py(python), java(of_java), (), frames)
    assert (words(joined), joined.apart) == (stacks, reason)


def test_java_frames_among_the_c_frames_of_hs_err_stand_once() -> None:
    top = [
        NativeFrame("libjvm.so", "Unsafe_PutLong", "+0x124"),
        NativeFrame(None, "jdk.internal.misc.Unsafe.putLong", "+0"),
        NativeFrame(None, STUB, ""),
        NativeFrame("libjvm.so", "JavaCalls::call_helper", "+0x302"),
    ]
    joined = interleave(py("body"), java(f"jdk.internal.misc.Unsafe.putLong {STUB} {HS_POOL}"), (), top)
    assert words(joined) == [f"Unsafe_PutLong jdk.internal.misc.Unsafe.putLong 'body' {INVOKE} {RUN}"]


LATCH: Final = "java.util.concurrent.CountDownLatch.await"


@pytest.mark.parametrize("version", [17, 25])
def test_a_pool_thread_as_pystack_shows_it(version: int) -> None:
    dump = parse_native_dump((DATA / f"native-hang_pool-{version}.txt").read_text(encoding="utf-8"))
    pool = next(thread for thread in dump if thread.name == "pool-1-thread-1")
    python = [frame for frame in pool.frames if isinstance(frame, PythonFrame)]
    joined = interleave(python, java(f"{PARK} {LATCH} {POOL}"), pool.frames)
    assert joined.apart is None
    (stack,) = words(joined)
    order = ["Unsafe_Park", PARK, LATCH, "jni_CallVoidMethodA", "'wait_for_java'", PROXY, TASK, RUN, "__clone3"]
    assert [name for name in stack.split() if name in order] == order


PYTHON: Final = st.lists(st.sampled_from(py("a b __call__ call")), max_size=5)
JAVA: Final = st.lists(st.sampled_from(java(f"{PROXY} {PARK} {JNA} a.B.c {RUN} {STUB} {UPCALL}")), max_size=7)
C_FRAMES: Final = st.lists(
    st.sampled_from(native("sem ? ?libsimdsort.so ?libjvm.so _PyEval_EvalFrameDefault")), max_size=4
)
TOP: Final = st.lists(
    st.sampled_from([frame for frame in native("f g ?") if isinstance(frame, NativeFrame)]), max_size=3
)


@st.composite
def stacks_of_pystack(draw: st.DrawFn, python: list[PythonFrame]) -> list[PythonFrame | NativeFrame]:
    """Return C frames with the Python frames between, or with others."""
    shown = draw(st.just(python) | PYTHON)
    pieces = [[frame, *draw(C_FRAMES)] for frame in shown]
    return [*draw(C_FRAMES), *(frame for piece in pieces for frame in piece)]


@given(st.data(), PYTHON, JAVA, TOP)
def test_nothing_is_lost(
    data: st.DataObject, python: list[PythonFrame], of_java: list[JavaFrame], top: list[NativeFrame]
) -> None:
    of_c = data.draw(st.just([]) | stacks_of_pystack(python))
    joined = interleave(python, of_java, of_c, top)
    frames = [frame for stack in joined.stacks for frame in stack]
    shown = [frame for frame in of_c if isinstance(frame, PythonFrame)]
    more = len(shown) > len(python) and shown[: len(python)] == python
    assert [frame for frame in frames if isinstance(frame, PythonFrame)] == (shown if more else python)
    assert [frame for frame in frames if isinstance(frame, JavaFrame)] == [
        frame for frame in of_java if not frame.function.startswith("~")
    ]
    named = [frame for frame in of_c or top if isinstance(frame, NativeFrame) and frame.function]
    assert [frame for frame in frames if isinstance(frame, NativeFrame) and frame.function] == named
    assert (joined.apart is None) == (len(joined.stacks) <= 1)
    assert all(joined.stacks)
