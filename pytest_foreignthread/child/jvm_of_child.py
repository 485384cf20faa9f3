"""The JVM of a child, and what has to be done once it runs: before any test, or when one needs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..observation import JvmAdopted, JvmFailed, PhaseStarted
from ..outcomes import Phase
from ..settings import Settings
from ..wire import Sender
from . import jvm
from .alternate_stack import AlternateStacks
from .uncaught import UncaughtExceptions


class JvmOfChild:
    """Started once, by the child or by the project."""

    def __init__(self, settings: Settings, folder: Path, sender: Sender, alternate: AlternateStacks) -> None:
        self._settings = settings
        self._folder = folder
        self._sender = sender
        self._alternate = alternate
        self._adopted: JvmAdopted | None = None
        self.uncaught = UncaughtExceptions()
        self.has_run = False
        """Also when it is gone by now."""

    def start(self) -> None:
        """Raise JvmStartError, of which the parent has been told."""
        self._sender.send(PhaseStarted(Phase.JVM))
        try:
            if jvm.is_started():
                self._adopted = jvm.adopt(self._settings, self._folder)
            else:
                jvm.start(self._settings, self._folder)
        except jvm.JvmStartError as error:
            self._sender.send(JvmFailed(str(error)))
            raise
        self.has_run = True
        self._alternate.offer_to_handlers()
        self.uncaught.install()
        self.tell()

    def tell(self) -> None:
        """Say to the parent whose JVM it is; what it was told before was of another test."""
        if self._adopted is not None:
            self._sender.send(self._adopted, soon=True)


class LateStart:
    """A plugin. It starts the JVM where a test first needs it, so that a wider fixture of the project may do so.

    pytest sets up fixtures of wider scopes first. One that calls `startJVM` works for ordinary tests, and so it has to
    here; it could not where there is a JVM already.
    """

    def __init__(self, jvm_of_child: JvmOfChild, sender: Sender) -> None:
        self._jvm = jvm_of_child
        self._sender = sender

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> None:
        if fixturedef.scope == "function":
            self._start()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_setup(self) -> None:
        self._start()

    def _start(self) -> None:
        if not self._jvm.has_run:
            self._jvm.start()
            self._sender.send(PhaseStarted(Phase.SETUP))
