"""The pieces that a report of a crash lacks: why each is missing, and what the user can do to get it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ...model import documents
from ...model.fault_signals import FAULTS, MEMORY, numbers_of, signal_name
from ...model.observation import JvmAdopted, Observation, Signaled
from ...model.outcomes import Phase
from ...model.records import Evidence
from ...model.settings import Settings
from ...supervise.probes import native

THREAD: Final = "thread"
"""Key of a gap that is not a missing document: which thread crashed, or the thread's name."""

_NO_HANDLER: Final = (
    "HotSpot's handler of the signal did not run: the C stack of a thread was full, or the handler had been replaced"
)
_OWN_JVM: Final = "the JVM is the project's own, which does not wait in its crash until they are taken"
_NOT_HELD: Final = (
    "a process with a JVM that calls abort() does not wait until pystack has looked at it; one without a JVM does: "
    "try mode main, python or native"
)
_NO_THREAD: Final = "no document tells which thread it was"
_NO_HANDLER_OF_PYTHON: Final = (
    "no handler of the signal ran that could have told which thread it was: the stack of a thread was full that this "
    "plugin has not made, and such a thread has no stack for handlers; or the handler had been replaced"
)
_NO_NAME: Final = (
    "it has no name of Python's or Java's, and none of its own from the kernel: pthread_setname_np in the code that "
    "makes it gives it one"
)


def gaps(settings: Settings, observation: Observation, evidence: Evidence) -> dict[str, str]:
    """Return piece → reason, for the missing pieces that `observation.missing` does not list."""
    return dict(_gaps(settings, observation, evidence))


def _gaps(settings: Settings, observation: Observation, evidence: Evidence) -> Iterator[tuple[str, str]]:
    signal = _signal_in_test(observation)
    by_fault = signal in numbers_of(MEMORY)
    reason = _why_no_c_frames(settings, observation, evidence, signal)
    if reason is not None:
        yield documents.NATIVE, reason
    unexplained = documents.HS_ERR not in observation.missing and evidence.fatal_error is None
    if settings.jvm is not None and by_fault and unexplained:
        yield documents.HS_ERR, _NO_HANDLER
    if signal is not None and signal not in numbers_of(FAULTS):
        yield documents.PYTHON, _at_once(signal)
    elif signal is not None:
        yield from _of_thread(evidence, without_jvm=settings.jvm is None and by_fault)


def _why_no_c_frames(
    settings: Settings, observation: Observation, evidence: Evidence, signal: int | None
) -> str | None:
    """Return why the C frames are missing; None if they are there, are not wanted, or nothing could have taken them."""
    if evidence.native_threads or settings.native == native.OFF:
        return None
    if evidence.fatal_error is not None or (settings.jvm is None and signal in numbers_of(FAULTS)):
        adopted = observation.first(JvmAdopted) is not None
        return native.why_none(settings.native) or (_OWN_JVM if adopted else None)
    return _NOT_HELD if settings.jvm is not None and signal in numbers_of(("SIGABRT",)) else None


def _of_thread(evidence: Evidence, *, without_jvm: bool) -> Iterator[tuple[str, str]]:
    thread = evidence.current_thread
    if thread is None:
        yield THREAD, _NO_HANDLER_OF_PYTHON if without_jvm and evidence.is_silent else _NO_THREAD
    elif not thread.name:
        yield THREAD, _NO_NAME


def _at_once(signal: int) -> str:
    return f"{signal_name(signal)} ended the process at once: no handler ran that could have written the stacks"


def _signal_in_test(observation: Observation) -> int | None:
    """Return the signal that ended the child during a test; None if there is none, or if the child passed its deadline.

    After the deadline the signal is this plugin's.
    """
    end = observation.end
    in_test = observation.phase not in (Phase.FORK, Phase.JVM)
    return end.signal if isinstance(end, Signaled) and in_test and not observation.passed_its_deadline else None
