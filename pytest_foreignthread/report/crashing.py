"""The thread that a record is about."""

from __future__ import annotations

from ..model.records import Evidence
from ..model.stacks import Thread


def thread(evidence: Evidence) -> Thread | None:
    """Return the thread that crashed, ended the process or hangs; None where the evidence names none."""
    return next((one for one in evidence.threads if one.current), None)
