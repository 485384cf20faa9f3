"""Causes that are a lack of memory: in the control group, in the Java heap, or on a thread's stack."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, TypeVar

from ..model.observation import Exited
from ..model.records import Diagnosis
from ..model.roles import MAIN, is_native_born
from ..model.stacks import FatalError, NativeFrame, PythonFrame, Thread
from ..model.wording import called
from .case import Case

F = TypeVar("F", PythonFrame, NativeFrame)

# HotSpot's messages for a full heap. Its messages about threads, metaspace and too large arrays have other causes.
_HEAP: Final = r"(?:Java heap space|GC overhead limit exceeded)"
_RAISED: Final = re.compile(rf"(?:java\.lang\.OutOfMemoryError: )?{_HEAP}")
_ENDED: Final = re.compile(rf"^Terminating due to java\.lang\.OutOfMemoryError: {_HEAP}", re.MULTILINE)
_ABORTED: Final = re.compile(rf".*OutOfMemory encountered: {_HEAP}")
# The messages of HotSpot and java.lang.Thread about an error that no code of the test could catch.
_NOT_CAUGHT: Final = re.compile(
    r"^Exception: java\.lang\.OutOfMemoryError thrown from the UncaughtExceptionHandler.*"
    rf"|^Exception in VM .*(?:\n[ \t]{{0,20}}|[ \t])java\.lang\.OutOfMemoryError: {_HEAP}",
    re.MULTILINE,
)
# The exit status of -XX:+ExitOnOutOfMemoryError: HotSpot's debug.cpp, report_java_out_of_memory().
_EXIT_ON_OUT_OF_MEMORY: Final = 3
# C functions that every call in Python passes through: that they repeat says nothing about a recursion in C.
_EVALUATION: Final = re.compile(r"_?Py|cfunction|method_|slot_|JP|object_")
_MORE_STACK: Final = (
    "a Java thread has 1 MB of C stack, and the main thread no more once the JVM runs: give it more (-Xss8m among the "
    "jvm_args, or the stackSize of java.lang.Thread), or nest less"
)
_DEFAULT_STACK: Final = 1024 * 1000
"""Bytes of a Java thread's stack with the default size of 1 MB, less what HotSpot keeps for itself."""
_PAGE: Final = 4096
_GUARD: Final = 65536
"""Bytes below a stack in which a C function with a large frame may fault."""
_MANY: Final = 20
"""Frames of one function from which on the function counts as a recursion."""


def oom_killed(case: Case) -> Diagnosis | None:
    if case.signal != "SIGKILL" or not case.observation.oom_kills:
        return None
    less = "the JVM less (jvm_args='-Xmx256m -XX:MaxMetaspaceSize=128m')" if case.jvm else "let the test need less"
    return Diagnosis(
        "oom-killed",
        "the kernel killed the child because its control group was out of memory",
        f"give the container more memory, or {less}",
        (f"the control group counts {case.observation.oom_kills} more out-of-memory kill(s) than before the test",),
    )


def java_heap_ended(case: Case) -> Diagnosis | None:
    fatal = case.evidence.fatal_error
    exits = isinstance(case.observation.end, Exited) and case.exit_code == _EXIT_ON_OUT_OF_MEMORY
    found = _ABORTED.match(fatal.message) if fatal is not None else None
    found = found or (_ENDED.search(case.written) if exits else None)
    return None if found is None else _java_heap(", and the JVM was told to end in that case", found[0])


def java_heap_filled(case: Case) -> Diagnosis | None:
    found = _NOT_CAUGHT.search(case.written)
    return None if found is None else _java_heap(", and the JVM could not go on", found[0])


def java_heap_raised(case: Case) -> Diagnosis | None:
    for kind, text in case.exceptions:
        if _RAISED.fullmatch(text) and "java.lang.OutOfMemoryError" in (kind, text.partition(":")[0]):
            return _java_heap("", text if text.startswith("java.") else f"{kind}: {text}")
    return None


def _java_heap(how: str, proof: str) -> Diagnosis:
    return Diagnosis(
        "java-heap",
        f"the Java heap was exhausted{how}",
        "give the JVM more (jvm_args='-Xmx512m'), or find what keeps the objects: Python references to Java objects "
        "keep them alive",
        (proof,),
    )


# What HotSpot's stackOverflow.cpp says when C calls Java with too little stack left.
_NO_ROOM: Final = "not enough space to reguard"


def stack_overflow(case: Case) -> Diagnosis | None:
    """Find a full C stack, and tell apart a small stack, a deep recursion and C code with large frames.

    Proof is a fault at the low end of the thread's own stack, or HotSpot's message. Repeated frames prove nothing: a
    deep recursion may have enough stack.
    """
    fatal, thread = case.evidence.fatal_error, case.thread
    if fatal is None or fatal.stack is None or thread is None:
        return None
    size = (fatal.stack[1] - fatal.stack[0]) // 1024
    repeated = _recursing(thread)
    if _below_the_stack(fatal, _PAGE if repeated is None else _GUARD):
        proof = [f"address {fatal.address} lies at the low end of the thread's stack of {size} KB"]
    elif _NO_ROOM in fatal.message:
        proof = [f"HotSpot found no room at the low end of the thread's stack of {size} KB: {_NO_ROOM}"]
    else:
        return None
    proof += [f"{repeated.function} stands in it again and again"] if repeated is not None else []
    is_javas = case.jvm and not is_native_born(thread)
    main = (fatal.main_stack or 0) // 1024
    # The main thread's stack grows to its limit less what the environment takes. So a stack of about the same size is
    # not smaller in effect, and only one of less than half counts as small.
    if not is_javas and thread.name != MAIN and size < main // 2:
        return _small_stack(thread, size, main, proof)
    if not case.jvm:
        return _without_jvm(thread, repeated, size, proof)
    if isinstance(repeated, PythonFrame) and size * 1024 >= _DEFAULT_STACK:
        return Diagnosis(
            "deep-recursion",
            f"{repeated.function} called itself until the C stack of {called(thread)} was full",
            "lower the recursion limit (sys.setrecursionlimit), so that Python raises RecursionError in time, or give "
            "the thread more: -Xss8m among the jvm_args, or the stackSize of java.lang.Thread",
            tuple(proof),
        )
    return Diagnosis(
        "java-stack-overflow", f"C code used up the C stack of {called(thread)} ({size} KB)", _MORE_STACK, tuple(proof)
    )


def _small_stack(thread: Thread, size: int, main: int, proof: Sequence[str]) -> Diagnosis:
    return Diagnosis(
        "small-stack",
        f"the stack of {called(thread)} was full: it has {size} KB, the main thread's may grow to {main} KB",
        "give the thread more where it is made (pthread_attr_setstacksize, QThread.setStackSize, "
        "thread::Builder::stack_size; foreign_thread_stack for the modes native and native-pool), or nest less: hand "
        "deep work to a thread of Python's (threading.stack_size)",
        tuple(proof),
    )


def _without_jvm(
    thread: Thread, repeated: PythonFrame | NativeFrame | None, size: int, proof: Sequence[str]
) -> Diagnosis:
    filled = f"{repeated.function} called itself" if repeated is not None else f"C code took the {size} KB"
    more = "ulimit -s" if thread.name == MAIN else "foreign_thread_stack for the modes native and native-pool"
    return Diagnosis(
        "deep-recursion",
        f"{filled} until the C stack of {called(thread)} was full",
        "nest less, or lower the recursion limit (sys.setrecursionlimit), so that Python raises RecursionError in "
        f"time; or give the thread more: pthread_attr_setstacksize where it is made ({more})",
        tuple(proof),
    )


def _below_the_stack(fatal: FatalError, reach: int) -> bool:
    """Return whether the fault is at the low end of the stack: at most `reach` bytes below it, or in its lowest eighth.

    A fault in the page below proves a full stack by itself. Farther below, other memory may lie: there a recursion on
    the stack has to prove it, too.
    The JVM's guard pages lie inside the bounds of the stack, at its low end.
    """
    address = int(fatal.address or "0", 16)
    low, high = fatal.stack or (0, 0)
    return bool(low) and low - reach <= address < low + (high - low) // 8


def _recursing(thread: Thread) -> PythonFrame | NativeFrame | None:
    """Return the function that fills the stack; None if no function repeats.

    Python functions are looked for first: a recursion in Python repeats C functions as well.
    """
    return _most_frequent(thread.python_frames) or _most_frequent(
        [frame for frame in thread.native_frames if not _is_evaluation(frame)]
    )


def _most_frequent(frames: Sequence[F]) -> F | None:
    counts: dict[str, list[F]] = {}
    for frame in frames:
        if frame.function is not None:
            counts.setdefault(frame.function, []).append(frame)
    longest = max(counts.values(), key=len, default=[])
    return longest[0] if len(longest) >= _MANY else None


def _is_evaluation(frame: NativeFrame) -> bool:
    return _EVALUATION.match(frame.function or "") is not None
