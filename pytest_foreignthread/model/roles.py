"""The role of a thread, as its name and its frames show it: who made it, and whether it waits for work."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .stacks import END_IN_C, MUTEX_IN_C, Motion, PythonFrame, Thread

_SERVICE = re.compile(
    r"Reference Handler|Finalizer|Signal Dispatcher|Service Thread|Monitor Deflation Thread|Notification Thread"
    r"|C[12] CompilerThread\d+|Common-Cleaner|Sweeper thread|Attach Listener|DestroyJavaVM|Python Reference Queue"
    r"|Training replay thread"
    r"|VM Thread|VM Periodic Task Thread|(?:Par)?GC Thread#\d+|G1 .+"
)
# The same names as the kernel keeps them, cut to 15 bytes.
_CUT_SERVICE = re.compile(
    r"Reference Handl|Signal Dispatch|Monitor Deflati|Notification Th|C[12] CompilerThre|Python Referenc"
    r"|VM Periodic Tas|Training replay"
)
_AT_REST = re.compile(
    r"java\.util\.concurrent\.(?:ThreadPoolExecutor\.getTask|ForkJoinPool\.awaitWork"
    r"|ScheduledThreadPoolExecutor\$DelayedWorkQueue\.take)"
)
# A thread of java.util.Timer, and that of a java.lang.ref.Cleaner.
_IDLE = re.compile(r"java\.util\.TimerThread\.mainLoop|jdk\.internal\.ref\.CleanerImpl\.run")
# Java's timers and scheduled tasks.
_SCHEDULED = re.compile(r"java\.util\.(?:concurrent\.(?:ScheduledThreadPoolExecutor|DelayScheduler)\b|TimerThread\.).*")
_EXECUTOR_FILE = re.compile(r"[/\\]concurrent[/\\]futures[/\\]thread\.py$")
_WORKER = re.compile(r"java\.util\.concurrent\.(?:ThreadPoolExecutor\.runWorker|ForkJoinPool\.runWorker)")
_JAVA_START = re.compile(r"java\.lang\.(?:Virtual)?Thread\.run|java\.util\.concurrent\.ForkJoinWorkerThread\.run")
_CALLBACK_FILE = re.compile(r"[/\\]pytest_foreignthread[/\\]child[/\\]callback\.py$")
_NATIVE_FILE = re.compile(r"[/\\]pytest_foreignthread[/\\]child[/\\](?:native[/\\]\w+|tasks)\.py$")
_POOL_FILE = re.compile(r"[/\\]pytest_foreignthread[/\\]child[/\\]native[/\\]native_pool\.py$")
_MOST_FRAMES = 100
"""faulthandler writes at most this number of frames of a thread: of a thread with as many, the oldest is unknown."""
_CALLER_FILE = re.compile(r"[/\\]pytest_foreignthread[/\\]child[/\\]foreign_calls\.py$")
MAIN = "MainThread"
"""The name of the child's main thread, as the child sends it."""
_CONDITION = "AbstractQueuedSynchronizer$ConditionObject"
_WAITING_CALL = re.compile(
    r"[/\\](?:threading|contextlib|concurrent[/\\]futures[/\\]_base|pytest_foreignthread[/\\]child[/\\]"
    r"(?:debugger[/\\]prompt_reader|foreign_calls|tasks|launchers|java[/\\]java_launchers|native[/\\]native_launchers))\.py$"
)
_WAITING_FILES = re.compile(r"[/\\](?:threading|concurrent[/\\]futures[/\\]_base)\.py$")


def is_service(thread: Thread) -> bool:
    """Return whether a thread is one of the JVM's own, or of JPype's."""
    return any(known.fullmatch(thread.name or "") for known in (_SERVICE, _CUT_SERVICE))


def is_java_born(thread: Thread) -> bool:
    """Return whether Java made a thread. Java frames are no proof: the main thread and Python's own may have some."""
    if thread.java_frames:
        return any(_JAVA_START.match(frame.function) for frame in thread.java_frames)
    # faulthandler shows no Java frames. If its oldest frame is this plugin's callback, Java has called that.
    called = any(_CALLBACK_FILE.search(frame.file) for frame in thread.python_frames[-1:])
    return called or (thread.java_state is not None and not is_python_born(thread))


def is_python_born(thread: Thread) -> bool:
    """Return whether a thread is the main thread, or was made by Python's `threading`."""
    oldest = thread.python_frames[-1:]
    return thread.name == MAIN or any(
        frame.function in ("_bootstrap", "Thread._bootstrap") and _WAITING_FILES.search(frame.file) for frame in oldest
    )


def is_native_born(thread: Thread) -> bool:
    """Return whether C made a thread for a mode without a JVM: then its oldest frame is this plugin's entry."""
    return any(_NATIVE_FILE.search(frame.file) for frame in thread.python_frames[-1:])


def is_foreign_born(thread: Thread) -> bool:
    """Return whether a thread runs Python code, is not the main thread, and was not made by Python's `threading`."""
    if not thread.python_frames or is_python_born(thread):
        return False
    return is_java_born(thread) or is_native_born(thread) or len(thread.python_frames) < _MOST_FRAMES


def is_worker(thread: Thread) -> bool:
    """Return whether a thread belongs to a pool of `java.util.concurrent`."""
    return any(_WORKER.fullmatch(frame.function) for frame in thread.java_frames)


def is_at_rest(thread: Thread) -> bool:
    """Return whether a thread waits for work: a thread of a pool without a task, or one of the JVM's own."""
    if any(_AT_REST.fullmatch(frame.function) for frame in thread.java_frames):
        return True
    if any(_POOL_FILE.search(frame.file) for frame in thread.python_frames[:1]):
        return True
    # A service thread that waits for a monitor is part of a deadlock. In JDK 19 to 21 it waits on a Condition for work.
    return is_service(thread) and thread.gil is None and all(_CONDITION in wait.what for wait in thread.waits)


def is_idle(thread: Thread) -> bool:
    """Return whether a report can leave a thread out: it waits for work, for a timer, or for the garbage collector."""
    if thread.also_crashed:
        return False
    if is_at_rest(thread) or any(_IDLE.fullmatch(frame.function) for frame in thread.java_frames):
        return True
    if is_of_c(thread) and thread.gil is None:
        # A thread of C: it waits for input or for work, as those of a library's pool do.
        return thread.motion is not Motion.RUNNING and not any(
            wait.what in (MUTEX_IN_C, END_IN_C) for wait in thread.waits
        )
    return any(map(_is_executors, thread.python_frames[:1]))


def is_of_c(thread: Thread) -> bool:
    """Return whether neither Python nor Java knows a thread: it runs C code only."""
    return not thread.python_frames and not thread.java_frames and thread.java_state is None


def is_executors(thread: Thread) -> bool:
    """Return whether a thread belongs to a ThreadPoolExecutor of Python's."""
    return any(map(_is_executors, thread.python_frames))


def _is_executors(frame: PythonFrame) -> bool:
    return frame.function == "_worker" and _EXECUTOR_FILE.search(frame.file) is not None


def may_call_later(thread: Thread) -> bool:
    """Return whether a thread runs a timer or scheduled tasks of Java, which may call Python at any later time."""
    return any(_SCHEDULED.match(frame.function) for frame in thread.java_frames)


def is_alone(thread: Thread, threads: Sequence[Thread]) -> bool:
    """Return whether no other thread that is shown runs Python or Java code, or may do so later."""
    return not any(_may_run_code(other) for other in threads if other is not thread)


def _may_run_code(thread: Thread) -> bool:
    if may_call_later(thread):
        return True
    # Java knows a thread of C that has entered Java before, and that has no frame of Java's now.
    known = bool(thread.python_frames or thread.java_frames) or (bool(thread.java_state) and not is_service(thread))
    return known and not is_idle(thread) and not awaits_the_body(thread)


def waiting_call(frames: Sequence[PythonFrame]) -> int | None:
    """Return the index of the frame of this plugin's `call` that waits for its callback; None if none is waiting.

    The call wakes up up to ten times a second, so the frames above it differ from look to look. A callback that keeps
    the GIL may begin before the plugin's launcher has returned: the call then stays in the launcher.
    """
    for place, frame in enumerate(frames):
        if not _WAITING_CALL.search(frame.file):
            return None
        if frame.function.rpartition(".")[2] in ("call", "call_body") and _CALLER_FILE.search(frame.file):
            return place
    return None


def awaits_the_body(thread: Thread) -> bool:
    """Return whether a thread is the child's main thread while the body of the test runs on another thread."""
    if thread.current or thread.name != MAIN:
        return False
    return waiting_call(thread.python_frames) is not None
