from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_foreignthread.evidence.native_dump import parse_native_dump
from pytest_foreignthread.model.stacks import Gil, NativeFrame, NativeThread, PythonFrame

DATA: Final = Path(__file__).parents[1] / "data"
TEXTS: Final = {path.stem: path.read_text(encoding="utf-8") for path in sorted(DATA.glob("native-*.txt"))}
TEST_FILE: Final = "/home/user/project/tests/test_bridge.py"
JVM: Final = "libjvm.so"
NO_NAME: Final = NativeFrame(None, None, "")
HEADER: Final = "Traceback for thread 7 (a) [] (most recent call last):\n"


def threads(name: str) -> dict[str, NativeThread]:
    """Return the threads by name, of those with one name the last."""
    return {str(thread.name): thread for thread in parse_native_dump(TEXTS[f"native-{name}"])}


def shape(thread: NativeThread) -> list[str]:
    """Return a word for each frame: its function, in quotes that of a Python frame; `?` for one without."""
    return [repr(one.function) if isinstance(one, PythonFrame) else one.function or "?" for one in thread.frames]


@pytest.mark.parametrize("version", [17, 25])
def test_a_pool_thread_in_python_in_java(version: int) -> None:
    dump = threads(f"hang_pool-{version}")
    assert set(dump) == {"pool-1-thread-1", "python", "VM Thread", "Reference Handl"}
    pool = dump["pool-1-thread-1"]
    words = shape(pool)
    # Most recent call first: Java's wait, reached from Python, which Java called back.
    order = ["Unsafe_Park", "?", "jni_CallVoidMethodA", "'wait_for_java'", "Java_org_jpype_proxy_JPypeProxy_hostInvoke"]
    assert [words.index(word) for word in order] == sorted(words.index(word) for word in order)
    assert words[-1] == "__clone3"
    assert PythonFrame(TEST_FILE, 8, "wait_for_java") in pool.frames
    assert NativeFrame(JVM, "Parker::park(bool, long)", "") in pool.frames
    assert NO_NAME in pool.frames
    assert pool.gil is None


@pytest.mark.parametrize("version", [17, 25])
def test_threads_of_the_kernel_number(version: int) -> None:
    text = TEXTS[f"native-hang_pool-{version}"]
    parsed = parse_native_dump(text)
    assert [f"Traceback for thread {one.native_id} ({one.name}) []" for one in parsed] == [
        line.partition(" (most")[0] for line in text.splitlines() if line.startswith("Traceback")
    ]


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_who_holds_the_gil_and_who_waits(version: str) -> None:
    holder, waiter = parse_native_dump(TEXTS[f"native-gil-{version}"])
    assert (holder.gil, waiter.gil) == (Gil.HOLDS, Gil.WAITS)
    assert shape(holder)[:3] == ["clock_nanosleep@GLIBC_2.2.5", "__nanosleep", "sleep"]
    assert "'hold_the_gil'" in shape(holder)
    assert "take_gil" in shape(waiter)
    assert shape(waiter)[-1] == "_start"


def test_who_waits_for_the_gil_of_a_stripped_python() -> None:
    """Debian's, of which pystack says who holds the GIL, not who waits: `take_gil` has no name."""
    text = TEXTS["native-stripped-3.11"]
    waiter, holder = parse_native_dump(text)
    assert (holder.gil, waiter.gil) == (Gil.HOLDS, Gil.WAITS)
    assert "take_gil" not in text
    # A condition that nobody is known to hold may be any.
    assert [thread.gil for thread in parse_native_dump(text.replace("Has the GIL", ""))] == [None, None]


@pytest.mark.parametrize(
    ("frames", "gil"),
    [
        ("pthread_cond_timedwait@@GLIBC_2.3.2 (/lib/libc.so.6)|??? (/usr/bin/python3.12)", Gil.WAITS),
        ("pthread_cond_timedwait (/lib/libpthread.so.0)|??? (/usr/lib64/libpython3.9.so.1.0)", Gil.WAITS),
        ("pthread_cond_timedwait (/lib/libc.so.6)|take_gil (/opt/libpython3.13d.so.1.0)", Gil.WAITS),
        ("pthread_cond_timedwait (/lib/libc.so.6)|??? (/opt/bin/python3)|??? (/opt/bin/python3)", Gil.WAITS),
        # A named function of CPython that is not `take_gil`, and waits of others.
        ("pthread_cond_timedwait (/lib/libc.so.6)|Tcl_ConditionWait (/opt/bin/python3.12)", None),
        ("pthread_cond_timedwait (/lib/libc.so.6)|??? (/usr/lib/libuv.so.1)|??? (/usr/bin/python3.12)", None),
        ("pthread_cond_timedwait (/lib/libc.so.6)|??? (/lib/_pythonic.so)", None),
        ("pthread_cond_wait (/lib/libc.so.6)|??? (/usr/bin/python3.12)", None),
        ("sem_clockwait (/lib/libc.so.6)|PyThread_acquire_lock_timed (/usr/bin/python3.12)", None),
        ("pthread_cond_timedwait (/lib/libc.so.6)", None),
    ],
)
def test_a_timed_wait_of_cpython_itself_is_for_the_gil(frames: str, gil: Gil | None) -> None:
    lines = [f'    (C) File "???", line 0, in {frame}\n' for frame in reversed(frames.split("|"))]
    holder = "Traceback for thread 8 (b) [Has the GIL] (most recent call last):\n"
    waiter, _ = parse_native_dump(HEADER + "".join(lines) + "\n" + holder)
    assert waiter.gil is gil


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_every_frame_is_read(version: str) -> None:
    text = TEXTS[f"native-gil-{version}"]
    frames = [frame for thread in parse_native_dump(text) for frame in thread.frames]
    assert sum(isinstance(frame, PythonFrame) for frame in frames) == text.count("    (Python) File")
    assert sum(isinstance(frame, NativeFrame) for frame in frames) == text.count("    (C) File")


def test_locals_are_no_frames() -> None:
    holder, waiter = parse_native_dump(TEXTS["native-locals-3.11"])
    assert (holder.gil, waiter.gil) == (Gil.HOLDS, Gil.WAITS)
    assert [frame.function for frame in holder.frames if isinstance(frame, PythonFrame)] == [
        *("hold_the_gil", "run", "_bootstrap_inner", "_bootstrap")
    ]


def test_a_thread_held_by_hotspot_in_its_crash() -> None:
    crashed = threads("segfault-25")["foreign-1"]
    words = shape(crashed)
    assert words[:2] == ["wait4", "os::fork_and_exec(char const*)"]
    fault, call = words.index("__restore_rt"), words.index("'call_a_bad_pointer'")
    assert words[fault + 1 : call] == [
        *("get_type_cache", "?", "?", "ffi_call", "_call_function_pointer", "_ctypes_callproc", "PyCFuncPtr_call")
    ]
    assert crashed.frames[fault + 1] == NativeFrame("libpython3.11.so.1.0", "get_type_cache", "")


@pytest.mark.parametrize(
    ("line", "frame"),
    [
        ('(C) File "???", line 0, in ??? (???)', NO_NAME),
        (
            '(C) File "/jdk/lib/libsimdsort.so", line 0, in ??? (/jdk/lib/libsimdsort.so)',
            NativeFrame("libsimdsort.so", None, ""),
        ),
        ('(C) File "x.c", line 57, in f (inlined) (/lib/libc.so.6)', NativeFrame("libc.so.6", "f", "")),
        ('(C) File "???", line 0, in f(int) (/lib/a (b)/x.so)', NativeFrame("x.so", "f(int)", "")),
        (
            '(C) File "???", line 0, in (anonymous namespace)::f(void (*)()) (inlined) (/x.so)',
            NativeFrame("x.so", "(anonymous namespace)::f(void (*)())", ""),
        ),
        (
            '(C) File "???", line 0, in f(J*) [clone .constprop.1] (/jdk/lib/libjvm.so)',
            NativeFrame(JVM, "f(J*) [clone .constprop.1]", ""),
        ),
        ('(C) File "???", line 0, in __vdso_time ([vdso])', NativeFrame("[vdso]", "__vdso_time", "")),
        ('(C) File "???", line 0, in f ()', NativeFrame(None, "f", "")),
        (
            '(Python) File "/a b.py", line 3, in C.f.<locals>.<lambda>',
            PythonFrame("/a b.py", 3, "C.f.<locals>.<lambda>"),
        ),
        ('(Python) File "<string>", line 1, in <module>', PythonFrame("<string>", 1, "<module>")),
        ('(Python) File "x.py", line None, in f', PythonFrame("x.py", None, "f")),
        ('(Python) File "x.py", line -1, in f', PythonFrame("x.py", None, "f")),
    ],
)
def test_frames(line: str, frame: PythonFrame | NativeFrame) -> None:
    (thread,) = parse_native_dump(f"{HEADER}    {line}\n        {line}\n")
    assert thread.frames == (frame,)


LAST: Final = "(most recent call last):"


@pytest.mark.parametrize(
    ("header", "name", "gil"),
    [
        (f"(a) [] {LAST}", "a", None),
        (f"[Has the GIL] {LAST}", None, Gil.HOLDS),
        (f"(a [b] (c)) [Has the GIL,Garbage collecting] {LAST}", "a [b] (c)", Gil.HOLDS),
        (f"(a) [Waiting for the GIL] {LAST}", "a", Gil.WAITS),
        (f"(a) [Dropping the GIL] {LAST}", "a", None),
        (f"(a) {LAST}\n  In interpreter 2 [Has the GIL]", "a", Gil.HOLDS),
        (f"(a) {LAST}\n  In the main interpreter []\n  In interpreter 1 [Has the GIL]", "a", Gil.HOLDS),
        (f"(a) {LAST}\n  In the main interpreter []", "a", None),
    ],
)
def test_headers(header: str, name: str | None, gil: Gil | None) -> None:
    assert parse_native_dump(f"Traceback for thread 7 {header}\n") == (NativeThread(7, name, gil, ()),)


def test_stacks_that_pystack_could_not_merge() -> None:
    note = "* - Unable to merge native stack due to insufficient native information - *"
    (thread,) = parse_native_dump(f'{HEADER}{note}\n    (Python) File "x.py", line 3, in f\n        f()\n')
    assert thread.frames == (PythonFrame("x.py", 3, "f"),)


@pytest.mark.parametrize("text", ["", "\n", "Traceback (most recent call last):\n", HEADER[:-1], "Engine error: x\n"])
def test_other_text(text: str) -> None:
    assert parse_native_dump(text) == ()


PIECES: Final = tuple({line for text in TEXTS.values() for line in text.splitlines(keepends=True)})


@given(st.lists(st.sampled_from(PIECES) | st.text(), max_size=30).map("".join))
@example(f"Traceback for thread {'9' * 5000} (a) [] (most recent call last):\n")
@example(f'{HEADER}    (Python) File "", line {"9" * 5000}, in f\n')
def test_no_text_raises(text: str) -> None:
    frames = [frame for thread in parse_native_dump(text) for frame in thread.frames]
    assert len(frames) <= text.count("File")


@given(st.data())
@pytest.mark.parametrize("name", TEXTS)
def test_a_torn_dump_says_nothing_else(name: str, data: st.DataObject) -> None:
    whole = parse_native_dump(TEXTS[name])
    cut = parse_native_dump(TEXTS[name][: data.draw(st.integers(0, len(TEXTS[name])))])
    assert [thread.native_id for thread in cut] == [thread.native_id for thread in whole[: len(cut)]]
    assert cut[:-1] == whole[: max(0, len(cut) - 1)]
    if cut:
        left = cut[-1].frames
        assert left == whole[len(cut) - 1].frames[len(whole[len(cut) - 1].frames) - len(left) :]
