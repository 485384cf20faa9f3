"""The facts about a test that the rules of diagnosis may look at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ..model.observation import Elsewhere, Observation, PhaseStarted, ReportMade, ThreadNamed
from ..model.outcomes import Outcome, Phase
from ..model.records import Evidence, Place
from ..model.stacks import FatalError, Thread


@dataclass(frozen=True)
class Case:
    """One test that ended badly. `signal` and `exit_code` are those of the verdict."""

    outcome: Outcome
    phase: Phase
    signal: str | None
    exit_code: int | None
    evidence: Evidence
    observation: Observation
    mode: str = "main"
    body: tuple[str, int, int] | None = None
    """File, first line and last line of the test's function; None if its source is not available."""
    jvm: bool = True
    """Whether the test's child has a JVM."""
    debugs_memory: bool = False
    """Whether CPython's debug hooks of memory were on in the test's child."""
    at: Place | None = None
    """The line of the user's own code at which the thread is that the outcome is about; None if there is none."""

    @cached_property
    def thread(self) -> Thread | None:
        """The thread that the outcome is about; None if no document tells which thread that is."""
        return next((thread for thread in self.evidence.threads if thread.current), None)

    @property
    def has_all_threads(self) -> bool:
        """Whether the stacks of a hang have every thread that runs Python or Java code."""
        return self.evidence.has_all_threads(jvm=self.jvm)

    @property
    def fault(self) -> FatalError | None:
        """The fatal error of the evidence; None if its signal was sent: the thread that got it did nothing wrong."""
        fatal = self.evidence.fatal_error
        return None if fatal is None or fatal.sent else fatal

    @property
    def exceptions(self) -> tuple[tuple[str, str], ...]:
        """Type name and text of the failed phase's exception and of its causes, the outermost first."""
        return () if self._failed is None else self._failed.exceptions

    @property
    def elsewhere(self) -> Elsewhere | None:
        """Where the value is that the exception says is missing; None if that is not known."""
        return None if self._failed is None else self._failed.elsewhere

    @cached_property
    def _failed(self) -> ReportMade | None:
        made = self.observation.all(ReportMade)
        return next((one for one in made if one.report.get("outcome") == "failed"), None)

    @property
    def written(self) -> str:
        """What the child wrote to stdout and stderr in its last phase."""
        return f"{self.evidence.stdout}\n{self.evidence.stderr}"

    @cached_property
    def _body(self) -> ThreadNamed | None:
        """The thread that ran the test's body; None in mode `main`, or if no thread was named.

        It is the first thread that the child names after the start of the phase call.
        """
        called = False
        for message in self.observation.messages if self.mode != "main" else ():
            if called and isinstance(message, ThreadNamed):
                return message
            called = called or (isinstance(message, PhaseStarted) and message.phase is Phase.CALL)
        return None

    @property
    def body_ident(self) -> int | None:
        """Python's id of the thread that ran the test's body; None in mode `main`, or if no thread was named."""
        return None if self._body is None else self._body.ident

    @property
    def main_native_id(self) -> int | None:
        """The kernel's id of the child's main thread, which is named first; None if the child ended before that."""
        main = self.observation.first(ThreadNamed)
        return None if main is None else main.native_id

    @property
    def on_foreign_thread(self) -> bool:
        """Whether the test's body ran on another thread than the child's main thread, which is named first."""
        main = self.observation.first(ThreadNamed)
        return main is not None and self.body_ident not in (None, main.ident)

    def is_body(self, thread: Thread) -> bool:
        """Return whether a thread ran the test's body; by its kernel id if Python's dump does not have the thread."""
        if self._body is None:
            return False
        known = thread.python_id is not None
        return thread.python_id == self._body.ident if known else thread.native_id == self._body.native_id
