"""The modes of this plugin and of a project: where the body of a test may run, and what each mode needs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple

NO_JVM: Final = "none"
"""The value of `foreign_thread_jvm` by which no test has a JVM."""

Launcher = Callable[[Any], object]
"""Lets what it is given run, now or later, on the thread that a project's own mode is for: a `java.lang.Runnable`, or a
plain Python callable where the mode needs no JVM."""


class Mode(NamedTuple):
    """No data class: each run of pytest imports this module, and a data class takes longer to make."""

    name: str
    launcher: str
    """Name of what gets a task onto its thread, in `child.launchers`."""
    needs_jvm: bool
    stands_for: str
    is_control: bool = False
    """Whether a test in this mode has a JVM where another mode of the same test needs one: the thread alone differs."""


class OwnMode(NamedTuple):
    """A project's own mode: its launcher, and whether that needs a JVM."""

    launcher: Launcher
    needs_jvm: bool = True


TABLE: Final = (
    Mode("same", "java_in_place", True, "a Java program's main thread that calls Python and is called back"),
    Mode("new", "java_thread", True, "a callback on a thread that Java makes for it"),
    Mode("pool", "java_pool", True, "a callback on a thread of an executor, which has run other tasks"),
    Mode("main", "in_place", False, "no foreign thread: the control", is_control=True),
    Mode("virtual", "java_virtual_thread", True, "a server that has a virtual thread for each request"),
    Mode("forkjoin", "java_forkjoin", True, "parallel streams and CompletableFuture"),
    Mode("scheduled", "java_scheduled", True, "timers"),
    Mode("python", "python_thread", False, "a thread of Python's own, which is not the main thread", is_control=True),
    Mode("native", "native_thread", False, "C, C++ and Rust that make a thread for a callback: std::thread, QThread"),
    Mode("native-pool", "native_pool", False, "thread pools of C, C++ and Rust: QThreadPool, GLib, OpenMP, tokio"),
)
_BY_NAME: Final[Mapping[str, Mode]] = {mode.name: mode for mode in TABLE}


def built_in(name: str) -> Mode | None:
    """Return the mode of this plugin that has that name; None for a project's own."""
    return _BY_NAME.get(name)


def mode_needs_jvm(name: str, own: Mapping[str, OwnMode]) -> bool:
    """Return whether a test cannot run in the mode without a JVM."""
    mode = _BY_NAME.get(name)
    return own[name].needs_jvm if mode is None else mode.needs_jvm


def runs_with_jvm(name: str, row: Iterable[str], own: Mapping[str, OwnMode]) -> bool:
    """Return whether the mode is to have a JVM beside the other modes of the test, which are its `row`."""
    if mode_needs_jvm(name, own):
        return True
    mode = _BY_NAME.get(name)
    return mode is not None and mode.is_control and any(mode_needs_jvm(other, own) for other in row)


def without_jvm(names: Collection[str], own: Mapping[str, OwnMode]) -> tuple[str, ...]:
    """Return those of the modes that need no JVM, in their order."""
    return tuple(name for name in names if not mode_needs_jvm(name, own))
