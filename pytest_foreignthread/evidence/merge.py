"""Documents → evidence: each parsed, and the stacks of both sides joined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from ..model.records import Evidence
from ..model.stacks import FatalError, JavaThread, PythonThread
from .forked_jvm_document import parse_forked_jvms
from .held_crash_document import parse_held_crash
from .hs_err import parse_fatal_error
from .java_dump import parse_deadlocks, parse_thread_dump
from .motion import Look
from .native_dump import parse_native_dump
from .os_threads import parse_os_threads
from .python_dump import PythonDump, parse_python_dump
from .threads import Sources, join_threads

Documents = Mapping[str, str]
Names = Mapping[int, tuple[int, str]]

_LOOKS: Final = ("", "_2", "_3")

_KERNEL_NAME: Final = 15
"""Bytes that the kernel keeps of a thread's name: one as long as that may be cut or abridged."""


def read_evidence(
    documents: Documents, names: Names, missing: Mapping[str, str], subject: int | None = None
) -> Evidence:
    """Return what the documents tell of a child's death, or of its hang if they were taken while it lived.

    `documents` may have `python` (faulthandler's dump of a death), `python_hang` (that of a living child), `hs_err`,
    `java_dump`, `os_threads`, `native` (pystack's), `stdout` and `stderr`; of a hang those of the second and third look
    end in `_2` and `_3`, and `forked_jvm` (pystack's text of its forks). `names` gives kernel id and name for Python's
    thread idents, as the child told them. `missing` has the documents that could not be taken; one that tells nothing
    joins them in the evidence. `subject` is the ident of the thread that ran the test when it hung.
    """
    fatal, dump = _fatal_error(documents), parse_python_dump(documents.get("python", ""))
    probed = any(name in documents or name in missing for name in ("python_hang", "java_dump"))
    # One that dies by itself while it is looked at, or while it is being ended, has crashed.
    hung = probed and fatal is None and dump.fatal_error is None
    evidence = _of_hang(documents, names, subject) if hung else _of_death(documents, fatal, dump, names)
    return replace(
        evidence,
        missing={**evidence.missing, **missing},
        stdout=documents.get("stdout", ""),
        stderr=documents.get("stderr", ""),
    )


def _fatal_error(documents: Documents) -> FatalError | None:
    """Return HotSpot's word on the crash, for want of that the kernel's."""
    told = parse_fatal_error(documents.get("hs_err", ""))
    native = parse_native_dump(documents.get("native", ""))
    return told or parse_held_crash(documents.get("held_crash", ""), native)


def _of_hang(documents: Documents, names: Names, subject: int | None) -> Evidence:
    looks = [look for suffix in _LOOKS if (look := _look(documents, names, suffix)) != Look((), (), ())]
    first = looks[0] if looks else Look((), (), ())
    python = tuple(replace(thread, current=thread.id == subject) for thread in first.python)
    native = parse_native_dump(documents.get("native", ""))
    links = parse_deadlocks(documents.get("java_dump", ""))
    return Evidence(
        python_threads=python,
        java_threads=first.java,
        native_threads=native,
        threads=join_threads(Sources(python, first.java, native, first.os, deadlocks=links, looks=tuple(looks))),
        forked=parse_forked_jvms(documents.get("forked_jvm", "")),
        looks=len(looks),
        missing={
            **({} if python else _silence(documents, "python_hang", "the dump is empty", "not a faulthandler dump")),
            **(
                {} if first.java else _silence(documents, "java_dump", "the dump is empty", "not a HotSpot thread dump")
            ),
        },
    )


def _look(documents: Documents, names: Names, suffix: str) -> Look:
    java = parse_thread_dump(documents.get(f"java_dump{suffix}", ""))
    python = parse_python_dump(documents.get(f"python_hang{suffix}", "")).threads
    # "Current" is the thread that the dump's signal was aimed at.
    named = tuple(replace(_named(thread, names, java), current=False) for thread in python)
    return Look(named, java, parse_os_threads(documents.get(f"os_threads{suffix}", "")))


def _of_death(documents: Documents, fatal: FatalError | None, dump: PythonDump, names: Names) -> Evidence:
    missing = {}
    if fatal is None or fatal.held:
        missing = _silence(documents, "hs_err", "the file is empty", "not a HotSpot error log")
        dump = _told_by_python(documents, dump, names)
    elif dump.threads and dump.fatal_error is None:
        # A dump that was asked for, of an earlier phase: HotSpot died without the abort() that leaves one.
        dump, missing["python"] = PythonDump(None, ()), "the dump is older than the crash"
    if not dump.threads:
        missing = {**_silence(documents, "python", "the dump is empty", "not a faulthandler dump"), **missing}
    fatal = _with_end_of_stack(fatal, dump)
    top = () if fatal is None else fatal.native_frames
    python, java = _of_crash(dump.threads, fatal, names), _crashing(fatal)
    native = parse_native_dump(documents.get("native", ""))
    os = parse_os_threads(documents.get("os_threads", ""))
    return Evidence(
        fatal_error=fatal,
        fatal_python_error=dump.fatal_error,
        python_threads=python,
        java_threads=java,
        native_frames=top,
        native_threads=native,
        threads=join_threads(Sources(python, java, native, os, fatal)),
        missing=missing,
    )


def _with_end_of_stack(fatal: FatalError | None, dump: PythonDump) -> FatalError | None:
    """Cut the kernel's mapping where the stack ends: other memory may lie above, in one mapping with it."""
    if fatal is None or not fatal.held or fatal.stack is None:
        return fatal
    low, high = fatal.stack
    # Python's id of a thread is the address of its descriptor, on top of its stack.
    ends = [thread.id for thread in dump.threads if low <= thread.id < high]
    return replace(fatal, stack=(low, min(ends, default=high)))


def _silence(documents: Documents, name: str, empty: str, foreign: str) -> dict[str, str]:
    """Return the reason why a document that is there tells nothing."""
    text = documents.get(name)
    return {} if text is None else {name: foreign if text.strip() else empty}


def _told_by_python(documents: Documents, dump: PythonDump, names: Names) -> PythonDump:
    """Look for a fatal error on stderr: `Py_FatalError` writes its dump there and turns faulthandler off."""
    if dump.fatal_error is not None:
        return dump
    written = parse_python_dump(documents.get("stderr", ""))
    # A process that the test started may have died there as well; its threads are not those that the child told of.
    foreign = names and written.threads and not any(thread.id in names for thread in written.threads)
    if written.fatal_error is None or foreign:
        return dump
    return PythonDump(written.fatal_error, written.threads or dump.threads)


def _of_crash(threads: tuple[PythonThread, ...], fatal: FatalError | None, names: Names) -> tuple[PythonThread, ...]:
    """Mark the thread that crashed; faulthandler's word holds where no thread's id lies in the crashing stack.

    The main thread's never does. Elsewhere the id is the address of the thread's descriptor, on top of its stack.
    """
    low, high = fatal.stack if fatal is not None and fatal.stack is not None else (0, -1)
    inside = [low <= thread.id <= high for thread in threads]
    if fatal is None or not any(inside):
        return tuple(_named(thread, names, _crashing(fatal)) for thread in threads)
    return tuple(
        _crashed(thread, fatal, names) if crashed else replace(_named(thread, names, ()), current=False)
        for thread, crashed in zip(threads, inside, strict=True)
    )


def _crashed(thread: PythonThread, fatal: FatalError, names: Names) -> PythonThread:
    native_id, name = names.get(thread.id, (None, None))
    # An ident is given again: what the child told of it may be another thread's.
    told = name if native_id == fatal.native_id else None
    if not told or _may_be_cut(told):
        told = fatal.thread or told
    return replace(thread, name=told or thread.name, native_id=fatal.native_id, current=True)


def _crashing(fatal: FatalError | None) -> tuple[JavaThread, ...]:
    if fatal is None or fatal.thread is None:
        return ()
    return (JavaThread(fatal.thread, fatal.native_id, True, fatal.thread_state, fatal.java_frames),)


def _named(thread: PythonThread, names: Names, java: tuple[JavaThread, ...]) -> PythonThread:
    """Fill in what the child told of a thread; Java knows the whole of a name that the kernel cut."""
    native_id, name = names.get(thread.id, (None, None))
    if native_id is None or name is None:
        return thread
    if not name or _may_be_cut(name):
        name = next((other.name for other in java if other.native_id == native_id), name)
    return replace(thread, name=name or thread.name, native_id=native_id)


def _may_be_cut(name: str) -> bool:
    return len(name.encode("utf-8", "surrogatepass")) >= _KERNEL_NAME
