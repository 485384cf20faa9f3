"""What the pytest process has seen of a test in its child."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace

import pytest

from ..model import documents
from ..model.observation import Observation, WarningRecorded


@dataclass(frozen=True)
class ServedTest:
    """What was observed of a test, and which tests the child had served before it."""

    observation: Observation
    taken: documents.Documents
    start: str
    """How the child was started: "fork" or "spawn"."""
    served: Iterable[pytest.Item] = ()
    """The tests that the child has served. Later tests are added at the end while the child lives."""
    number_before: int = 0
    """How many of `served` came before the test."""

    def torn_down(self, end: ServedTest) -> ServedTest:
        """Return what was seen of the test if the end of its child, seen right after it, counts as its teardown."""
        before, after = self.observation, end.observation
        whole = replace(
            after,
            messages=(*before.messages, *after.messages),
            duration=before.duration + after.duration,
            documents={**before.documents, **after.documents},
            missing={**before.missing, **after.missing},
            notes=(*before.notes, *after.notes),
        )
        return replace(self, observation=whole, taken={**self.taken, **end.taken})

    def warned(self, warning: WarningRecorded) -> ServedTest:
        """Return what was seen with a warning of this plugin."""
        observation = replace(self.observation, messages=(*self.observation.messages, warning))
        return replace(self, observation=observation)

    @property
    def before(self) -> tuple[pytest.Item, ...]:
        # Not a field: a copy for each test would cost the more, the more tests the child has served.
        return tuple(itertools.islice(self.served, self.number_before))
