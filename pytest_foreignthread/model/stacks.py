"""Frames and threads as the evidence names them. Frames stand most recent call first."""

from __future__ import annotations

import enum
from dataclasses import dataclass


@dataclass(frozen=True)
class PythonFrame:
    file: str
    line: int | None
    function: str


@dataclass(frozen=True)
class PythonThread:
    """A thread of a faulthandler dump; `id` is its `pthread_self()`, as `threading.get_ident()` gives."""

    id: int
    name: str | None
    current: bool
    frames: tuple[PythonFrame, ...]
    native_id: int | None = None
    """The kernel's thread id, by which Java's side is joined; None where the child did not tell."""


@dataclass(frozen=True)
class JavaFrame:
    """`function` is the dotted class and method; `file` and `line` are None where the source does not tell."""

    function: str
    file: str | None
    line: int | None
    native: bool = False
    """Whether it is a method written in C, from which C or Python code may have been entered."""


@dataclass(frozen=True)
class JavaThread:
    """A thread that HotSpot knows; `native_id` is the kernel's thread id, None for a virtual thread."""

    name: str
    native_id: int | None
    current: bool
    state: str | None
    frames: tuple[JavaFrame, ...]
    locks: tuple[str, ...] = ()
    """Lines on monitors and synchronizers, as HotSpot words them (`- waiting to lock <0x…> (a X)`)."""


@dataclass(frozen=True)
class NativeFrame:
    """A C or C++ frame; `library` is the file's name, None where HotSpot names none."""

    library: str | None
    function: str | None
    offset: str
    """Offset into the function, or into the library where no function is known (`+0x1c70bb`)."""


class Gil(enum.Enum):
    """What a thread has to do with the GIL; the value is the word in every report."""

    HOLDS = "holds"
    WAITS = "waits"


@dataclass(frozen=True)
class NativeThread:
    """A thread as pystack saw it: C frames and, where pystack could place them, Python frames between them."""

    native_id: int
    name: str | None
    gil: Gil | None
    frames: tuple[PythonFrame | NativeFrame, ...]


@dataclass(frozen=True)
class OsThread:
    """A thread as the kernel shows it. `cpu_time` is in seconds, by the clock tick exact."""

    native_id: int
    name: str
    state: str
    """`R`, `S`, `D`, … as in proc(5)."""
    cpu_time: float
    system_call: tuple[int, ...] = ()
    """Number and arguments of the system call that it is in; () for a running thread, or where it may not be read."""
    stack_pointer: int | None = None


@dataclass(frozen=True)
class FatalError:
    """The head of an hs_err file: what HotSpot says killed the process."""

    signal: str | None
    """`SIGSEGV`, `SIGBUS`, …; None for an internal error or exhausted memory."""
    address: str | None
    """The faulting address (`si_addr`), as HotSpot writes it."""
    problematic_frame: str | None
    """The line under `# Problematic frame:`, as HotSpot writes it, without `# `."""
    message: str
    """HotSpot's own head line, e.g. `SIGSEGV (0xb) at pc=0x…, pid=…, tid=…` or `Internal Error (…)`."""
    jvm: str | None
    native_id: int | None
    """The kernel's id of the crashing thread (`tid=`)."""
    thread: str | None
    """The crashing thread's Java name; None where it was not a JavaThread."""
    stack: tuple[int, int] | None
    """Lowest and highest address of the crashing thread's stack, in bytes."""
    native_frames: tuple[NativeFrame, ...]
    java_frames: tuple[JavaFrame, ...]
    thread_state: str | None = None
    """What HotSpot says the thread was in (`_thread_in_native`); None where it was not a JavaThread."""
    library_path: str | None = None
    """The file of the library of the problematic frame, where HotSpot lists it among the mapped ones."""
    held: bool = False
    """Whether the kernel and pystack say it, of a child without a JVM; `message` is empty then."""


@dataclass(frozen=True)
class ForkedProcess:
    """A process that the child has forked after its JVM started."""

    pid: int
    name: str
    number: int
    """How many threads the kernel shows of it."""
    threads: tuple[NativeThread, ...]
    """Those of which pystack tells."""


Frame = PythonFrame | JavaFrame | NativeFrame


class Motion(enum.Enum):
    """What a thread did between the looks at a hang; the value is the word in every report."""

    STILL = "still"
    RUNNING = "running"
    """It used the processor and stayed in its frames."""
    MOVING = "moving"


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
    """What a thread waits for; `owner` is the place of the thread that holds it, None where the evidence tells none."""

    kind: Awaited
    what: str
    """In words that follow "waits for": `the GIL`, `monitor <0x…> (a X)`."""
    owner: int | None = None


@dataclass(frozen=True)
class Thread:
    """One thread of the kernel's, as all documents together show it."""

    name: str | None
    native_id: int | None
    python_id: int | None
    """`threading.get_ident()`; None for a thread of which Python knows nothing."""
    current: bool
    """Whether it is the one that crashed, ended the process, or met what is reported."""
    stacks: tuple[tuple[Frame, ...], ...]
    """One stack where the order of its frames is proved, else one per language; none that is empty."""
    apart: str | None = None
    """Why there are several stacks."""
    java_state: str | None = None
    locks: tuple[str, ...] = ()
    gil: Gil | None = None
    waits: tuple[Wait, ...] = ()
    motion: Motion | None = None
    seen: tuple[PythonFrame | JavaFrame, ...] = ()
    """Of a thread that moved, the newest frames in which the looks found it."""
    shares_name: bool = False
    """Whether another thread has the same name: a thread that C code starts inherits that of the one it runs on."""

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
