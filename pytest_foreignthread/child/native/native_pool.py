"""Native threads that live on between their callbacks, as the threads of a C++ pool do.

No Python frame may be below the callbacks, because each callback must have a `PyThreadState` of its own. So C code must
do the loop, and glibc has it: `pthread_create` starts a thread in `setcontext`, which enters `lfind`. `lfind` calls its
comparison, which is a ctypes callback, until the comparison reports a match. Then `pthread_exit` ends the thread.
"""

from __future__ import annotations

import ctypes
import functools
import mmap
import platform
import queue
import threading
from collections.abc import Callable
from typing import Any, Final

from ..thread_attributes import ThreadAttributes, signals_blocked
from .pthreads import attributes, check, create, keep, libc, set_kernel_name

_PAGE: Final = mmap.PAGESIZE
_CONTEXT: Final = 2 * 4096
"""Bytes reserved for a `ucontext_t`; glibc's has 968 on x86-64 and 4560 on aarch64."""
_FRAME_POINTER: Final = {"x86_64": 40 + 10 * 8, "aarch64": 176 + 8 + 29 * 8}
"""The offset of rbp, or x29, in a `ucontext_t`."""
_TOP: Final = 16 * 4096
"""Bytes of stack for pthreads before `setcontext`, and as many for `pthread_exit`."""
_PROT_NONE: Final = 0
_FOR_EVER: Final = 2**62
"""The number of elements in which `lfind` searches: more than a pool will ever have jobs."""

_COMPARISON: Final = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_void_p)


class _Stack(ctypes.Structure):
    """The struct stack_t of Linux."""

    _fields_ = (("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


class _Context(ctypes.Structure):
    """The first fields of glibc's `ucontext_t`, the same on x86-64 and aarch64."""

    _fields_ = (("flags", ctypes.c_ulong), ("link", ctypes.c_void_p), ("stack", _Stack))


class NativePool:
    """A pool that starts a thread for a job if no thread is idle and it has fewer than `size`, as C++ pools do."""

    def __init__(self, name: str, how: ThreadAttributes, size: int) -> None:
        self._name = name
        self._size = size
        self._how = how
        self._jobs: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._at_rest = 0
        self._threads = 0

    def execute(self, job: Callable[[], object]) -> None:
        """Call the job once on a thread of the pool. Raise ThreadError if no thread can be started."""
        with self._lock:
            if self._at_rest:
                self._at_rest -= 1
            elif self._threads < self._size:
                self._start()
                self._threads += 1
            self._jobs.put(job)

    def _start(self) -> None:
        worker = _Worker(self._jobs, f"{self._name}-{self._threads + 1}", self._rest)
        keep(worker)
        with signals_blocked(self._how.block_signals), attributes() as made:
            stack = _new_stack(made, self._how.stack)
            create(made, libc().setcontext, stack.context_of(worker))

    def _rest(self) -> None:
        with self._lock:
            # If a job waits, the thread takes it next and is not idle.
            if self._jobs.empty():
                self._at_rest += 1

    def close(self) -> None:
        """Let the threads end after the jobs that the pool already has."""
        for _ in range(self._threads):
            self._jobs.put(None)


class _Worker:
    """The jobs of one thread of a pool."""

    def __init__(
        self, jobs: queue.SimpleQueue[Callable[[], object] | None], name: str, rests: Callable[[], None]
    ) -> None:
        self._jobs = jobs
        self._name = name
        self._rests = rests

    def next_job(self) -> bool:
        """Run the next job; return whether there was one. Return False when the pool is closed."""
        # Here, because no Python code runs on the thread before its first call of the comparison.
        set_kernel_name(self._name)
        job = self._jobs.get()
        if job is None:
            return False
        try:
            job()
        finally:
            self._rests()
        return True


class _PoolStack:
    """The memory of a thread.

    From low to high addresses: a guard page, the stack of the callbacks, the stack of `pthread_exit`, two contexts, a
    page for the number of elements, and pthreads' own part.
    """

    def __init__(self, start: int, size: int) -> None:
        self._start = start
        self._contexts = start + size - _TOP - 2 * _CONTEXT - _PAGE

    def context_of(self, worker: _Worker) -> ctypes.c_void_p:
        """Return the address of a context that calls the worker until the worker returns False."""
        libraries, endless = libc(), self._contexts + 2 * _CONTEXT
        ctypes.c_size_t.from_address(endless).value = _FOR_EVER
        leaving = self._contexts + _CONTEXT
        self._make(leaving, None, self._contexts - _TOP, _TOP, libraries.pthread_exit, 0)
        size = self._contexts - _TOP - self._start - _PAGE
        comparison = ctypes.cast(_comparison(), ctypes.c_void_p).value
        # Elements of size 0: the array never ends, and takes no memory.
        found = (id(worker), endless, endless, 0, comparison)
        self._make(self._contexts, leaving, self._start + _PAGE, size, libraries.lfind, *found)
        return ctypes.c_void_p(self._contexts)

    def _make(self, place: int, link: int | None, start: int, size: int, function: Any, *arguments: int | None) -> None:
        libraries, address = libc(), ctypes.c_void_p(place)
        if libraries.getcontext(address):
            check(ctypes.get_errno())
        context = _Context.from_address(place)
        context.link, context.stack.start, context.stack.size = link, start, size
        # `getcontext` saves the frame pointer of the thread that runs here. A debugger that walks the new thread's
        # stack would go on in this thread's frames.
        ctypes.c_void_p.from_address(place + _FRAME_POINTER[platform.machine()]).value = None
        libraries.makecontext(address, function, len(arguments), *map(ctypes.c_void_p, arguments))


def _new_stack(made: Any, size: int | None) -> _PoolStack:
    chosen = ctypes.c_size_t(size or 0)
    if size is None:
        check(libc().pthread_attr_getstacksize(made, ctypes.byref(chosen)))
    # The callbacks get the chosen size; pthreads and the contexts need room beyond it.
    whole = -(-chosen.value // _PAGE) * _PAGE + 2 * _TOP + 2 * _CONTEXT + 2 * _PAGE
    start = _mapped(whole)
    if libc().mprotect(ctypes.c_void_p(start), ctypes.c_size_t(_PAGE), _PROT_NONE):
        check(ctypes.get_errno())
    check(libc().pthread_attr_setstack(made, ctypes.c_void_p(start), ctypes.c_size_t(whole)))
    return _PoolStack(start, whole)


def _mapped(size: int) -> int:
    """Return the address of new memory, which is never freed: a thread may still run on it."""
    function = libc().mmap
    function.restype = ctypes.c_void_p
    protection, flags = mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    found = function(None, ctypes.c_size_t(size), protection, flags, -1, ctypes.c_long(0))
    if found is None or found == ctypes.c_void_p(-1).value:
        check(ctypes.get_errno())
    return int(found)


@functools.cache
def _comparison() -> Any:
    return _COMPARISON(_serve)


def _serve(worker: _Worker, _: object) -> int:
    """Return 0, which ends `lfind`, if the worker has no more jobs, else 1."""
    return int(worker.next_job())
