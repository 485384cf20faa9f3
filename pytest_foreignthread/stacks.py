"""Frames and threads as the evidence names them. Frames stand most recent call first."""

from __future__ import annotations

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
