"""Documents → evidence: each document is parsed, and the threads of all documents are joined."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final, TypeVar

from ..model.records import Evidence
from ..model.roles import MAIN
from ..model.stacks import FatalError, JavaThread, NativeThread, OsThread, PythonThread
from .forks_document import parse_forks
from .held_crash_document import parse_held_crash, with_crashing_code
from .held_signals import parse_held_signals
from .hs_err import parse_fatal_error
from .java_dump import parse_deadlocks, parse_thread_dump
from .jni_checks import parse_jni_checks
from .motion import Look
from .native_dump import parse_native_dump
from .os_threads import parse_os_threads
from .python_dump import PythonDump, parse_python_dump
from .threads import Sources, join_threads

T = TypeVar("T", NativeThread, OsThread)
Documents = Mapping[str, str]
Names = Mapping[int, tuple[int, str]]

# CPython's Python/traceback.c and Modules/faulthandler.c.
_WRITES_DUMP: Final = re.compile(r"dump_(?:traceback|frame)|_Py_Dump\w+|faulthandler_\w+|write_thread_(?:id|name)")
_LOOKS: Final = ("", "_2", "_3")

_KERNEL_NAME: Final = 15
"""The number of bytes that the kernel keeps of a thread's name: a name of this length may have been cut."""


def read_evidence(
    documents: Documents,
    names: Names,
    missing: Mapping[str, str],
    subject: int | None = None,
    joined: Collection[int] = (),
) -> Evidence:
    """Return the evidence of a child's death; or of its hang, if the documents were taken while it lived.

    `documents` may have `python` (faulthandler's dump of a death), `python_hang` (that of a living child), `hs_err`,
    `java_dump`, `os_threads`, `native` (pystack's), `jvm_output`, `stdout` and `stderr`. Of a hang, the names of
    documents of the second and third look end in `_2` and `_3`, and `forks` is pystack's text of the processes
    that the child forked. `names` maps Python's thread idents to kernel id and name, as the child sent them.
    `missing` maps the documents that could not be taken to the reason; the evidence adds those that are there and say
    nothing. `subject` is the ident of the thread that ran the test when it hung, `joined` has those of the threads
    whose end Python waits for.
    """
    dump = parse_python_dump(documents.get("python", ""))
    fatal = _but_not_faulthandlers(_fatal_error(documents), dump)
    probed = any(name in documents or name in missing for name in ("python_hang", "java_dump"))
    # Documents of a hang prove no hang: a child that died by itself while it was looked at, or was being ended, has
    # crashed.
    hung = probed and fatal is None and dump.fatal_error is None
    evidence = _of_hang(documents, names, subject, joined) if hung else _of_death(documents, fatal, dump, names)
    return replace(
        evidence,
        missing={**evidence.missing, **missing},
        jni=parse_jni_checks(documents.get("jvm_output", "")),
        stdout=documents.get("stdout", ""),
        stderr=documents.get("stderr", ""),
    )


def _fatal_error(documents: Documents) -> FatalError | None:
    """Return the crash as HotSpot describes it; if HotSpot wrote nothing, as the kernel shows it."""
    by_hotspot = parse_fatal_error(documents.get("hs_err", ""))
    return by_hotspot or parse_held_crash(documents.get("held_crash", ""), _native_of_death(documents))


def _native_of_death(documents: Documents) -> tuple[NativeThread, ...]:
    native = parse_native_dump(documents.get("native", ""))
    return with_crashing_code(documents.get("held_crash", ""), native)


def _but_not_faulthandlers(fatal: FatalError | None, dump: PythonDump) -> FatalError | None:
    """Return the abort() of which faulthandler was writing where HotSpot tells of a fault in that code."""
    frame = None if fatal is None or fatal.held or not fatal.native_frames else fatal.native_frames[0]
    if fatal is None or frame is None or dump.fatal_error != "Fatal Python error: Aborted":
        return fatal
    if not _WRITES_DUMP.fullmatch(frame.function or ""):
        return fatal
    return replace(fatal, signal="SIGABRT", address=None, problematic_frame=None, message="", native_frames=())


def _of_hang(documents: Documents, names: Names, subject: int | None, joined: Collection[int]) -> Evidence:
    looks = [look for suffix in _LOOKS if (look := _look(documents, names, suffix)) != Look((), (), ())]
    first = looks[0] if looks else Look((), (), ())
    python = tuple(replace(thread, current=thread.id == subject, joined=thread.id in joined) for thread in first.python)
    native = parse_native_dump(documents.get("native", ""))
    silent = {} if first.python else _silence(documents, "python_hang", "the dump is empty", "not a faulthandler dump")
    if not python:
        python = _seen_by_pystack(subject, names, native)
    links = parse_deadlocks(documents.get("java_dump", ""))
    return Evidence(
        python_threads=python,
        java_threads=first.java,
        native_threads=native,
        threads=join_threads(Sources(python, first.java, native, first.os, deadlocks=links, looks=tuple(looks))),
        forked=parse_forks(documents.get("forks", "")),
        looks=len(looks),
        held_signals=parse_held_signals(
            [documents[name] for suffix in _LOOKS if (name := f"os_threads{suffix}") in documents]
        ),
        missing={
            **silent,
            **(
                {} if first.java else _silence(documents, "java_dump", "the dump is empty", "not a HotSpot thread dump")
            ),
        },
    )


def _seen_by_pystack(subject: int | None, names: Names, native: tuple[NativeThread, ...]) -> tuple[PythonThread, ...]:
    """Return the thread that the hang is about if Python wrote no stack of it, as after the end of the interpreter."""
    native_id, name = names.get(subject, (None, None)) if subject is not None else (None, None)
    if subject is None or native_id is None or not any(thread.native_id == native_id for thread in native):
        return ()
    return (PythonThread(subject, name, True, (), native_id),)


def _look(documents: Documents, names: Names, suffix: str) -> Look:
    java = parse_thread_dump(documents.get(f"java_dump{suffix}", ""))
    python = parse_python_dump(documents.get(f"python_hang{suffix}", "")).threads
    # In this dump "Current thread" is the thread that got the signal, which says nothing about the hang.
    named = tuple(replace(_named(thread, names, java), current=False) for thread in python)
    return Look(named, java, parse_os_threads(documents.get(f"os_threads{suffix}", "")))


def _of_death(documents: Documents, fatal: FatalError | None, dump: PythonDump, names: Names) -> Evidence:
    missing = {}
    if fatal is None or fatal.held:
        missing = _silence(documents, "hs_err", "the file is empty", "not a HotSpot error log")
        dump = _with_error_of_stderr(documents, dump, names)
    elif dump.threads and dump.fatal_error is None:
        # This dump was asked for in an earlier phase. HotSpot has died without abort(), which would have left a dump.
        dump, missing["python"] = PythonDump(None, ()), "the dump is older than the crash"
    if not dump.threads:
        torn = "not a faulthandler dump" if dump.fatal_error is None else "faulthandler came to write no stack"
        missing = {**_silence(documents, "python", "the dump is empty", torn), **missing}
    fatal = _with_end_of_stack(fatal, dump)
    top = () if fatal is None else fatal.native_frames
    python, java = _of_crash(dump.threads, fatal, names), _crashing(fatal)
    main = next((native_id for native_id, name in names.values() if name == MAIN), None)
    native = tuple(_as_main(one, main) for one in _native_of_death(documents))
    os = tuple(_as_main(one, main) for one in parse_os_threads(documents.get("os_threads", "")))
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


def _as_main(thread: T, main: int | None) -> T:
    """Name the main thread, for which Python may have written no stack, as the child names it."""
    return replace(thread, name=MAIN) if thread.native_id == main else thread


def _with_end_of_stack(fatal: FatalError | None, dump: PythonDump) -> FatalError | None:
    """Cut the bounds of the stack where it ends: the kernel may show other memory above it in the same mapping."""
    if fatal is None or not fatal.held or fatal.stack is None:
        return fatal
    low, high = fatal.stack
    # Python's ident of a thread is the address of its descriptor, which glibc puts on top of the thread's stack.
    ends = [thread.id for thread in dump.threads if low <= thread.id < high]
    return replace(fatal, stack=(low, min(ends, default=high)))


def _silence(documents: Documents, name: str, empty: str, foreign: str) -> dict[str, str]:
    """Return the reason why a document that is there says nothing, by its name; {} if there is no such document."""
    text = documents.get(name)
    return {} if text is None else {name: foreign if text.strip() else empty}


def _with_error_of_stderr(documents: Documents, dump: PythonDump, names: Names) -> PythonDump:
    """Return the dump with a fatal error, which may be on stderr.

    `Py_FatalError` writes its dump to stderr, not to faulthandler's file, and turns faulthandler off.
    """
    if dump.fatal_error is not None:
        return dump
    written = parse_python_dump(documents.get("stderr", ""))
    # Another process, which the test started, may have written to the same stderr. Its threads are not among `names`.
    foreign = names and written.threads and not any(thread.id in names for thread in written.threads)
    if written.fatal_error is None or foreign:
        return dump
    return PythonDump(written.fatal_error, written.threads or dump.threads)


def _of_crash(threads: tuple[PythonThread, ...], fatal: FatalError | None, names: Names) -> tuple[PythonThread, ...]:
    """Mark the thread that crashed: the one whose ident lies in the stack that crashed.

    The ident is the address of the thread's descriptor, on top of its stack. Only the main thread's descriptor lies
    elsewhere: if no ident lies in the stack, the thread that faulthandler calls current is the one.
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
    # Python uses an ident again after a thread has ended: the name that the child sent may be an earlier thread's.
    known = name if native_id == fatal.native_id else None
    if not known or _may_be_cut(known):
        known = fatal.thread or known
    return replace(thread, name=known or thread.name, native_id=fatal.native_id, current=True)


def _crashing(fatal: FatalError | None) -> tuple[JavaThread, ...]:
    if fatal is None or fatal.thread is None:
        return ()
    return (JavaThread(fatal.thread, fatal.native_id, True, fatal.thread_state, fatal.java_frames),)


def _named(thread: PythonThread, names: Names, java: tuple[JavaThread, ...]) -> PythonThread:
    """Fill in the kernel id and the name that the child sent; take a name that the kernel may have cut from Java."""
    native_id, name = names.get(thread.id, (None, None))
    if native_id is None or name is None:
        return thread
    if not name or _may_be_cut(name):
        name = next((other.name for other in java if other.native_id == native_id), name)
    return replace(thread, name=name or thread.name, native_id=native_id)


def _may_be_cut(name: str) -> bool:
    return len(name.encode("utf-8", "surrogatepass")) >= _KERNEL_NAME
