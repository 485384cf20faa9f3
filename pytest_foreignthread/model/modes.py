"""The modes of this plugin and of a project: on which thread the body of a test runs, and what each mode needs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple

NO_JVM: Final = "none"
"""The value of `foreign_thread_jvm` with which no test has a JVM."""

Launcher = Callable[[Any], object]
"""Runs its argument, at once or later, on the thread of a project's own mode. The argument is a `java.lang.Runnable`,
or a Python callable if the mode needs no JVM."""


class Mode(NamedTuple):
    """A mode of this plugin."""

    # A named tuple, not a dataclass: each run of pytest imports this module, and a dataclass takes longer to make.

    name: str
    launcher: str
    """The name in `child.launchers` of the function that brings a task onto the mode's thread."""
    needs_jvm: bool
    stands_for: str
    is_control: bool = False
    """Whether a test in this mode has a JVM if another mode of the test needs one.

    A control may differ from the other modes in the thread only.
    """
    has_one_thread: bool = False
    """Whether all calls come to one thread, which cannot run two of them at once."""


class OwnMode(NamedTuple):
    """A mode of a project: its launcher, whether it needs a JVM, and whether it has one thread for all calls."""

    launcher: Launcher
    needs_jvm: bool = True
    has_one_thread: bool = False


TABLE: Final = (
    Mode(
        "same",
        "java_in_place",
        True,
        "a Java program's main thread that calls Python and is called back",
        has_one_thread=True,
    ),
    Mode("new", "java_thread", True, "a callback on a thread that Java makes for it"),
    Mode("pool", "java_pool", True, "a callback on a thread of an executor, which has run other tasks"),
    Mode("main", "in_place", False, "no foreign thread: the control", is_control=True, has_one_thread=True),
    Mode("virtual", "java_virtual_thread", True, "a server that has a virtual thread for each request"),
    Mode("forkjoin", "java_forkjoin", True, "parallel streams and CompletableFuture"),
    Mode("scheduled", "java_scheduled", True, "timers"),
    Mode("python", "python_thread", False, "a thread of Python's own, which is not the main thread", is_control=True),
    Mode("native", "native_thread", False, "C, C++ and Rust that make a thread for a callback: std::thread, QThread"),
    Mode("native-pool", "native_pool", False, "thread pools of C, C++ and Rust: QThreadPool, GLib, OpenMP, tokio"),
)
_BY_NAME: Final[Mapping[str, Mode]] = {mode.name: mode for mode in TABLE}


def built_in(name: str) -> Mode | None:
    """Return the mode of this plugin with that name; None if the name is that of a project's own mode."""
    return _BY_NAME.get(name)


def mode_needs_jvm(name: str, own: Mapping[str, OwnMode]) -> bool:
    """Return whether a test in the mode must have a JVM."""
    mode = _BY_NAME.get(name)
    return own[name].needs_jvm if mode is None else mode.needs_jvm


def has_one_thread(name: str, own: Mapping[str, OwnMode]) -> bool:
    """Return whether the mode cannot run two calls at once."""
    mode = _BY_NAME.get(name)
    return own[name].has_one_thread if mode is None else mode.has_one_thread


def runs_with_jvm(name: str, row: Iterable[str], own: Mapping[str, OwnMode]) -> bool:
    """Return whether a test in the mode has a JVM. `row` are all modes of the test: a control follows the others."""
    if mode_needs_jvm(name, own):
        return True
    mode = _BY_NAME.get(name)
    return mode is not None and mode.is_control and any(mode_needs_jvm(other, own) for other in row)


def without_jvm(names: Collection[str], own: Mapping[str, OwnMode]) -> tuple[str, ...]:
    """Return the modes that need no JVM, in their order."""
    return tuple(name for name in names if not mode_needs_jvm(name, own))
