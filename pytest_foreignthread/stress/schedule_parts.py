"""The parts of a schedule by name: a setting of a shrunk schedule names those that stay shaken."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from ..model.stress_choice import NO_PART, Part
from .schedule import LEAST, LEAST_LATE, Schedule

FIELDS: Final[Mapping[str, str]] = {
    "switch": "switch_interval",
    "submit": "submit_delay",
    "enter": "enter_delay",
    "return": "return_delay",
    "yield": "yield_rate",
    "collect": "collect_rate",
    "gc": "java_collects",
    "stack": "stack",
    "pool": "pool",
    "late": "late_delay",
    "drop": "drops_callable",
    "cancel": "cancel_delay",
    "threads": "threads",
}
"""The name of a part on a command line → the field of `Schedule`."""
LEAST_VALUES: Final[Mapping[str, float]] = {
    "submit": LEAST,
    "enter": LEAST,
    "return": LEAST,
    "late": LEAST_LATE,
    "cancel": LEAST,
    "threads": 2,
}
"""The parts whose value can be divided → the least value that they have."""
_PART: Final = re.compile("([a-z]+)(?:/([1-9][0-9]{0,5}))?")


def parts_of(schedule: Schedule) -> tuple[Part, ...]:
    """Return the parts that differ from an ordinary run."""
    ordinary = Schedule(schedule.seed)
    return tuple(Part(name) for name, field in FIELDS.items() if getattr(schedule, field) != getattr(ordinary, field))


def with_only(schedule: Schedule, parts: Sequence[Part]) -> Schedule:
    """Return the schedule in which these parts are shaken, and all others are as in an ordinary run."""
    values: dict[str, Any] = {}
    for name, divisor in parts:
        value, field = getattr(schedule, FIELDS[name]), FIELDS[name]
        # A delay that the schedule does not have stays none.
        if divisor == 1 or value == getattr(Schedule(schedule.seed), field):
            values[field] = value
        else:
            values[field] = max(LEAST_VALUES[name], value // divisor if isinstance(value, int) else value / divisor)
    return replace(Schedule(schedule.seed), **values)


def halved(schedule: Schedule, part: Part) -> Part | None:
    """Return the part with half of its value; None if it cannot be divided, or is at its least."""
    least = LEAST_VALUES.get(part.name)
    half = part._replace(divisor=2 * part.divisor)
    return half if least is not None and getattr(schedule, FIELDS[part.name]) / half.divisor >= least else None


def parsed(text: str) -> tuple[Part, ...]:
    """Return the parts that a text such as `pool,submit/4` names; raise ValueError if it names none."""
    if text == NO_PART:
        return ()
    parts = tuple(map(_part, text.split(",")))
    if len({part.name for part in parts}) < len(parts):
        raise ValueError("expected a seed that names each part once")
    return parts


def _part(text: str) -> Part:
    found = _PART.fullmatch(text)
    if found is None or found[1] not in FIELDS or (found[2] and found[1] not in LEAST_VALUES):
        divided = f"{', '.join(LEAST_VALUES)} with a divisor, such as submit/4, or without"
        names = f"{NO_PART}, or some of {', '.join(FIELDS)}, joined by commas"
        raise ValueError(f"expected a seed that ends in parts: {names}; {divided}")
    return Part(found[1], int(found[2] or 1))
