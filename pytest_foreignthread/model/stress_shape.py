"""The shape of a stressed test's tally as plain data, which may come from an xdist worker of another version."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from .outcomes import Outcome

_OUTCOMES: Final = frozenset(outcome.value for outcome in Outcome)


def is_stress(value: object) -> bool:
    """Return whether the terminal, the reports and the matrix can show the tally, and add it to others."""
    return isinstance(value, dict) and _has(value, _TALLY) and sum(value["outcomes"].values()) == value["rounds"]


def _has(value: object, fields: Mapping[str, Callable[[Any], bool]]) -> bool:
    return isinstance(value, dict) and all(name in value and fits(value[name]) for name, fits in fields.items())


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_positive(value: object) -> bool:
    return _is_count(value) and value != 0


def _is_number(value: object) -> bool:
    is_real = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_real and math.isfinite(value) and value >= 0  # type: ignore[arg-type, operator]


def _are_outcomes(value: object) -> bool:
    return isinstance(value, dict) and all(word in _OUTCOMES and _is_count(number) for word, number in value.items())


def _list_of(fits: Callable[[Any], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and all(map(fits, value))


def _is_interval(value: object) -> bool:
    return _list_of(_is_number)(value) and len(value) == 2  # type: ignore[arg-type]


def _is_text_or_none(value: object) -> bool:
    return value is None or _is_text(value)


def _is_switch(value: object) -> bool:
    return isinstance(value, bool)


_ROW: Final[Mapping[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("count", "first_round"), _is_count),
    **dict.fromkeys(("frame", "summary", "seed", "schedule"), _is_text),
    "outcome": lambda value: _is_text(value) and value in _OUTCOMES,
    "diagnosis": _is_text_or_none,
}
_BIN: Final[Mapping[str, Callable[[Any], bool]]] = {"first": _is_count, "last": _is_count, "outcomes": _are_outcomes}
_WITHOUT: Final[Mapping[str, Callable[[Any], bool]]] = {
    "part": _is_text,
    "failed": _is_count,
    "rounds": _is_positive,
}
_SHRUNK: Final[Mapping[str, Callable[[Any], bool]]] = {
    "verdict": _is_text,
    "schedule": _is_text,
    "seed": _is_text_or_none,
    "without": _list_of(lambda value: _has(value, _WITHOUT)),
    "rerun": _list_of(_is_text),
}
_PLANNED: Final[Mapping[str, Callable[[Any], bool]]] = {
    "rounds": lambda value: value is None or _is_positive(value),
    "seconds": lambda value: value is None or _is_number(value),
}
_TALLY: Final[Mapping[str, Callable[[Any], bool]]] = {
    "seed": _is_text,
    "verdict": _is_text,
    "planned": lambda value: _has(value, _PLANNED) and list(value.values()).count(None) == 1,
    **dict.fromkeys(("threads", "rounds"), _is_positive),
    "failed": _is_count,
    **dict.fromkeys(("interrupted", "skipped", "anytime"), _is_switch),
    "stopped": _is_text_or_none,
    "seconds": _is_number,
    "interval": _is_interval,
    "outcomes": _are_outcomes,
    "durations": lambda value: _has(value, dict.fromkeys(("min", "median", "max"), _is_number)),
    "course": _list_of(lambda value: _has(value, _BIN)),
    "rows": _list_of(lambda value: _has(value, _ROW)),
    "shrunk": lambda value: value is None or _has(value, _SHRUNK),
    "rerun": _list_of(_is_text),
}
