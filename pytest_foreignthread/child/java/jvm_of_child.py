"""The JVM of a child and what must happen after its start, before any test or when a test first needs it."""

from __future__ import annotations

import time

import pytest

from ...interop.pyjnius import PyjniusBeside
from ...interop.running_jvm import running_jvm
from ...model.observation import JvmAdopted, JvmFailed, JvmStarted, PhaseStarted
from ...model.outcomes import Phase
from ..state import ChildState
from . import jvm
from .java_side import JavaSide
from .jni_warnings import JniWarning, JniWarnings
from .uncaught import Uncaught, UncaughtExceptions


class JvmOfChild(JavaSide):
    """A JVM that is started once, by the child or by the project."""

    def __init__(self, state: ChildState) -> None:
        self._state = state
        self._adopted: JvmAdopted | None = None
        self._uncaught = UncaughtExceptions(state.sender)
        self._attached: object = None
        self._pyjnius: PyjniusBeside | None = None
        names = state.thread_names
        self._jni = JniWarnings(state.folder, names) if names is not None else None
        self.has_run = False
        """True from the start of the JVM on, also after its end."""

    def start(self, *, late: bool = False) -> None:
        """Start or adopt the JVM. Raise JvmStartError, which is sent to the parent, or AttachError, which is not.

        With `late`, another library than JPype may have started a JVM already. In a fork this cannot be: a JVM of the
        parent does not work there.
        """
        send, settings, folder = self._state.sender.send, self._state.settings, self._state.folder
        send(PhaseStarted(Phase.JVM))
        if late and not jvm.is_started() and (running := running_jvm()) is not None:
            self._attached = jvm.attach(running, folder)
        try:
            if jvm.is_started():
                self._adopted = jvm.adopt(settings, folder)
            else:
                began = _nanoseconds()
                jvm.start(settings, folder)
                send(JvmStarted((_nanoseconds() - began) // 1000), soon=True)
        except jvm.JvmStartError as error:
            send(JvmFailed(str(error)))
            raise
        self.has_run = True
        self._state.alternate.offer_to_handlers()
        self._state.crash.forget()
        self._uncaught.install()
        self._pyjnius = PyjniusBeside()
        self.send_adopted()

    def can_go_on(self) -> bool:
        return not self.has_run or jvm.is_started()

    def uncaught(self) -> list[Uncaught]:
        return self._uncaught.at_end_of_phase() if self.has_run else []

    def jni_warnings(self) -> list[JniWarning]:
        return list(self._jni.take()) if self._jni is not None else []

    def send_adopted(self) -> None:
        if self._adopted is not None:
            self._state.sender.send(self._adopted, soon=True)


def _nanoseconds() -> int:
    # Libraries that freeze the time for a test do not replace this clock.
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def new_jvm(config: pytest.Config, state: ChildState, *, late: bool) -> JvmOfChild | None:
    """Return the JVM, started or, with `late`, to be started when a test needs it; None if it did not start."""
    java = JvmOfChild(state)
    if late:
        config.pluginmanager.register(LateStart(java, state), "foreign_thread_late_start")
        return java
    try:
        java.start()
    except jvm.JvmStartError:
        return None
    return java


class LateStart:
    """A plugin that starts the JVM when a test first needs it, so that a fixture of the project may start it before.

    pytest sets up fixtures of wider scopes first. A fixture that calls `startJVM` works for ordinary tests, so it must
    work here. It would raise if a JVM ran already.
    """

    def __init__(self, java: JvmOfChild, state: ChildState) -> None:
        self._java = java
        self._state = state

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> None:
        if fixturedef.scope == "function":
            self._start()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_setup(self) -> None:
        self._start()

    def _start(self) -> None:
        if not self._java.has_run:
            try:
                self._java.start(late=True)
            except jvm.AttachError as error:
                self._state.sender.send(PhaseStarted(Phase.SETUP))
                pytest.fail(str(error), pytrace=False)
            self._state.sender.send(PhaseStarted(Phase.SETUP))
