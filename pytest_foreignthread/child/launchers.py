"""Moves a callback to the thread that a mode names, with one launcher for each row of the table of modes."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from ..model.modes import built_in, mode_needs_jvm
from ..model.settings import Settings
from .native.native_launchers import NativeLaunchers
from .tasks import CallTask, PythonThreadTask, Task
from .thread_attributes import ThreadAttributes, signals_blocked

if TYPE_CHECKING:
    from .java.java_launchers import JavaLaunchers

Function = Callable[[], None]


class NoJvmError(Exception):
    """A call in a Java mode, in a child without a JVM."""


class Launchers:
    """The launchers of one test. Threads and pools are created at their first use."""

    def __init__(self, settings: Settings, *, drops_callable: bool = False, cancels: bool = False) -> None:
        """`drops_callable` is whether only the project's bridge, or launcher, refers to the callable that it gets.

        `cancels` is whether the Java futures of tasks may be cancelled.
        """
        self._drops_callable = drops_callable
        self._cancels = cancels
        self._own = settings.own_modes
        self._has_jvm = settings.jvm is not None
        self._numbers = itertools.count(1)
        self._how = ThreadAttributes(settings.stack, settings.block_signals)
        self._pool = settings.pool
        self._native = NativeLaunchers(self._numbers, self._how, self._pool)
        self._java: JavaLaunchers | None = None
        self._lock = threading.Lock()
        self._without_jvm: Final[Mapping[str, Callable[[Function], Task | None]]] = {
            "in_place": _in_place,
            "python_thread": self._python_thread,
            "native_thread": self._native.on_new_thread,
            "native_pool": self._native.on_pool,
        }

    def launch(self, mode: str, function: Function, bridge: Callable[[Function], Any]) -> Task | None:
        """Start the call; return its task, or None if the call is already done.

        Raise NoJvmError if the mode needs a JVM and the child has none.
        """
        __tracebackhide__ = True
        if mode_needs_jvm(mode, self._own):
            return self._launch_by_java(mode, bridge, function)
        if (known := built_in(mode)) is not None:
            return self._without_jvm[known.launcher](function)
        task = CallTask(function)
        self._own[mode].launcher(self._handed(task))
        return task

    def _handed(self, function: Function) -> Function:
        """Return the callable for code of the project, which has to keep it alive for its call.

        The plugin refers to its callables, and would hide from a stressed test that the project's code does not.
        """
        return (lambda: function()) if self._drops_callable else function

    def _python_thread(self, function: Function) -> Task:
        with signals_blocked(self._how.block_signals):
            return PythonThreadTask(function, f"python-{next(self._numbers)}")

    def _launch_by_java(self, mode: str, bridge: Callable[[Function], Any], function: Function) -> Task:
        __tracebackhide__ = True
        if not self._has_jvm:
            raise NoJvmError(
                f"mode {mode!r} needs a JVM, and the child of this test has none: name the fixture jvm among the "
                "arguments of the test"
            )
        known = built_in(mode)
        launcher = self._own[mode].launcher if known is None else known.launcher
        return self._launchers_of_java().launch(launcher, bridge(self._handed(function)))

    def _launchers_of_java(self) -> JavaLaunchers:
        with self._lock:
            if self._java is None:
                # Imported here because the module imports jpype, which a child without a JVM does not need.
                from .java.java_launchers import JavaLaunchers

                self._java = JavaLaunchers(self._numbers, self._how, self._pool, cancels=self._cancels)
            return self._java

    def cancel(self, task: Task | None) -> None:
        """Cancel the Java future of a task whose call has begun; the call goes on."""
        if self._java is not None:
            self._java.cancel(task)

    def let_end(self, task: Task | None) -> None:
        """Wait briefly for the end of a thread whose task is done."""
        if self._java is not None:
            self._java.let_end(task)

    def close(self) -> None:
        """Let the threads of the pools end after the tasks that the pools already have."""
        self._native.close()
        if self._java is not None:
            self._java.close()


def _in_place(function: Function) -> None:
    __tracebackhide__ = True
    function()
