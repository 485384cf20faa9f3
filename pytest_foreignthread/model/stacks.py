"""Frames and threads, as the documents show them and joined. In all stacks the most recent call comes first."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

_PYTHON_LIBRARY = re.compile(r"(?:lib)?python[0-9.]*[dmt]*(?:\.so[0-9.]*)?")


@dataclass(frozen=True)
class PythonFrame:
    file: str
    line: int | None
    function: str


@dataclass(frozen=True)
class PythonThread:
    """A thread of a faulthandler dump; `id` is its `pthread_self()`, which `threading.get_ident()` returns."""

    id: int
    name: str | None
    current: bool
    frames: tuple[PythonFrame, ...]
    native_id: int | None = None
    """The kernel's thread id, by which the documents are joined; None if it is unknown."""
    joined: bool = False
    """Whether Python waits for the thread's end before it finalizes the interpreter."""


@dataclass(frozen=True)
class JavaFrame:
    """A frame of Java. `function` has class and method with dots; `file` and `line` are None if HotSpot has none."""

    function: str
    file: str | None
    line: int | None
    native: bool = False
    """Whether the method is written in C, which may have called other C or Python code."""


@dataclass(frozen=True)
class JavaThread:
    """A thread that HotSpot knows; `native_id` is the kernel's thread id, None for a virtual thread."""

    name: str
    native_id: int | None
    current: bool
    state: str | None
    frames: tuple[JavaFrame, ...]
    locks: tuple[str, ...] = ()
    """The lines on monitors and synchronizers, as HotSpot writes them (`- waiting to lock <0x…> (a X)`)."""
    daemon: bool | None = None
    """None for a thread that runs no Java code, and if the document does not say."""


@dataclass(frozen=True)
class NativeFrame:
    """A frame of C or C++. `library` is the name of a file without its directory; None if it is unknown."""

    library: str | None
    function: str | None
    offset: str
    """The offset in the function, or in the library if the function is unknown (`+0x1c70bb`)."""

    @property
    def is_pythons(self) -> bool:
        """Whether the frame is of CPython's own code: of the executable, or of the shared library."""
        return _PYTHON_LIBRARY.fullmatch(self.library or "") is not None


class Gil(enum.Enum):
    """The relation of a thread to the GIL; the value is the name that every report uses."""

    HOLDS = "holds"
    WAITS = "waits"


@dataclass(frozen=True)
class NativeThread:
    """A thread as pystack saw it: C frames and, if pystack could place them, Python frames between them."""

    native_id: int
    name: str | None
    gil: Gil | None
    frames: tuple[PythonFrame | NativeFrame, ...]


@dataclass(frozen=True)
class JniFinding:
    """A call of JNI that breaks a rule of JNI's, as HotSpot tells of it under `-Xcheck:jni`."""

    text: str
    fatal: bool
    """Whether HotSpot ended the process because of it."""
    native_id: int | None
    """The kernel's id of the thread that made the call."""
    frames: tuple[JavaFrame, ...] | tuple[NativeFrame, ...]
    """The thread's Java frames; the C frames of a thread that has none."""


@dataclass(frozen=True)
class OsThread:
    """A thread as the kernel shows it. `cpu_time` is in seconds, with a resolution of a clock tick."""

    native_id: int
    name: str
    state: str
    """`R`, `S`, `D`, ... as in proc(5)."""
    cpu_time: float
    system_call: tuple[int, ...] = ()
    """The number and the arguments of its system call; () if the thread runs, or may not be traced."""
    stack_pointer: int | None = None


@dataclass(frozen=True)
class HeldSignal:
    """A signal that was sent, and that whoever it was sent to blocks."""

    signal: str
    at: str
    """`thread`, one of the child's; `child`, all of whose threads block it; `process`, one that the test started."""
    id: int
    """The kernel's."""
    name: str
    """The kernel's, of the thread or the process."""


@dataclass(frozen=True)
class FatalError:
    """A fatal error and the thread that met it, as an hs_err file describes them, or the kernel and pystack."""

    signal: str | None
    """`SIGSEGV`, `SIGBUS`, …; None for an internal error or exhausted memory."""
    address: str | None
    """The faulting address (`si_addr`), as HotSpot writes it."""
    problematic_frame: str | None
    """The line under `# Problematic frame:`, as HotSpot writes it, without `# `."""
    message: str
    """HotSpot's first line, such as `SIGSEGV (0xb) at pc=0x…, pid=…, tid=…` or `Internal Error (…)`."""
    jvm: str | None
    native_id: int | None
    """The kernel's id of the crashing thread (`tid=`)."""
    thread: str | None
    """The Java name of the crashing thread; None if it was no JavaThread."""
    stack: tuple[int, int] | None
    """The lowest and the highest address of the crashing thread's stack."""
    native_frames: tuple[NativeFrame, ...]
    java_frames: tuple[JavaFrame, ...]
    thread_state: str | None = None
    """HotSpot's state of the crashing thread, such as `_thread_in_native`; None if it was no JavaThread."""
    library_path: str | None = None
    """The path of the library of the problematic frame; None if it is not in the list of mapped files."""
    main_stack: int | None = None
    """The bytes that the main thread's stack may grow to; None if that has no limit, or it is unknown."""
    registers: tuple[int, ...] = ()
    """The crashing thread's registers if the kernel names no address, because no memory can have it; else empty."""
    held: bool = False
    """Whether the kernel and pystack describe the error, of a child without a JVM; then `message` is empty."""
    also: tuple[int, ...] = ()
    """The kernel ids of other threads that crashed before the process was ended."""
    sent: bool = False
    """Whether the signal was sent, by kill() or raise(): then it tells nothing of what the thread did."""


@dataclass(frozen=True)
class ForkedProcess:
    """A process that the child has forked, and that is no program of its own."""

    pid: int
    parent: int
    os: tuple[OsThread, ...]
    """The threads that the kernel shows."""
    threads: tuple[NativeThread, ...]
    """The threads that pystack shows."""

    @property
    def name(self) -> str:
        return next((thread.name for thread in self.os if thread.native_id == self.pid), "")


Frame = PythonFrame | JavaFrame | NativeFrame


class Motion(enum.Enum):
    """The movement of a thread between the looks at a hang; the value is the name that every report uses."""

    STILL = "still"
    RUNNING = "running"
    """The thread used the processor and stayed in its frames."""
    MOVING = "moving"


MUTEX_IN_C = "a mutex (in C)"
END_IN_C = "the end of a thread (in C)"


class Awaited(enum.Enum):
    """The kinds of things that a thread waits for."""

    GIL = "gil"
    MONITOR = "monitor"
    SYNCHRONIZER = "synchronizer"
    FUTURE = "future"
    THREAD = "thread"
    PYTHON_LOCK = "python_lock"
    NATIVE = "native"
    """A semaphore, a condition or the end of a thread, in C."""


@dataclass(frozen=True)
class Wait:
    """What a thread waits for. `owner` is the index of the thread that holds that; None if it is unknown."""

    kind: Awaited
    what: str
    """Words that follow "waits for": `the GIL`, `the monitor of X 0x…`."""
    owner: int | None = None


@dataclass(frozen=True)
class Thread:
    """One thread, as all documents together show it."""

    name: str | None
    native_id: int | None
    python_id: int | None
    """The value of `threading.get_ident()`; None for a thread that Python does not know."""
    current: bool
    """Whether the thread crashed, ended the process, or runs the test that hangs."""
    stacks: tuple[tuple[Frame, ...], ...]
    """One stack if the order of all frames is proved, or else one for each language; no stack is empty."""
    apart: str | None = None
    """Why there are several stacks."""
    java_state: str | None = None
    locks: tuple[str, ...] = ()
    gil: Gil | None = None
    waits: tuple[Wait, ...] = ()
    motion: Motion | None = None
    seen: tuple[PythonFrame | JavaFrame, ...] = ()
    """The newest frame of each look, for a thread that moved."""
    daemon: bool | None = None
    """Whether Python, or the JVM, ends without waiting for the thread; None if that is unknown."""
    shares_name: bool = False
    """Whether another thread has the same name: a thread that C code starts inherits the name of its creator."""
    system_call: tuple[int, ...] = ()
    """As in `OsThread`, in the first look."""
    also_crashed: bool = False
    """Whether the thread crashed as well, after the current one and before the process was ended."""

    @property
    def frames(self) -> tuple[Frame, ...]:
        return tuple(frame for stack in self.stacks for frame in stack)

    @property
    def python_frames(self) -> tuple[PythonFrame, ...]:
        return tuple(frame for frame in self.frames if isinstance(frame, PythonFrame))

    @property
    def java_frames(self) -> tuple[JavaFrame, ...]:
        return tuple(frame for frame in self.frames if isinstance(frame, JavaFrame))

    @property
    def native_frames(self) -> tuple[NativeFrame, ...]:
        return tuple(frame for frame in self.frames if isinstance(frame, NativeFrame))
