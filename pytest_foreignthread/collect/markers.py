"""The marker's arguments of a test, parsed and merged over module, class and function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ..config.option_table import MODE, Option, marker_options
from ..config.options import parsed_value
from ..model.choices import MARKER
from ..model.outcomes import Outcome
from .own_modes import known_modes


@dataclass(frozen=True)
class Marked:
    """The arguments of a test's markers. For each argument the closest marker that has it counts."""

    values: dict[str, Any]
    problems: tuple[tuple[str, str], ...]
    """The node id that has a wrong marker, and what is wrong."""

    @property
    def modes(self) -> tuple[str, ...]:
        modes: tuple[str, ...] = self.values.get(MODE.name, MODE.default)
        return modes

    @property
    def skip(self) -> str | None:
        """The reason why the test is left to pytest; None if it is not."""
        reason: str | None = self.values.get("skip")
        return reason

    @property
    def expect(self) -> Mapping[str, frozenset[Outcome]]:
        """Mode → the outcomes of the test that are known in that mode."""
        known: Mapping[str, frozenset[Outcome]] = self.values.get("expect", {})
        return known


_READ = pytest.StashKey["dict[int, _Read]"]()
"""The parsed marks by their id. A mark of a module or a class is read for each of its tests, and several times."""


class _Read(NamedTuple):
    mark: pytest.Mark
    """The mark itself. While it is referenced here, no other object can get its id."""
    values: dict[str, Any]
    problems: list[str]


def read_markers(item: Any) -> Marked:
    values: dict[str, Any] = {}
    problems = []
    for node, mark in item.iter_markers_with_node(MARKER):
        _, understood, wrong = _read(item.config, mark)
        problems += [(_place(node), problem) for problem in wrong]
        values = understood | values
    return Marked(values, tuple(problems))


def _read(config: pytest.Config, mark: pytest.Mark) -> _Read:
    read = config.stash.setdefault(_READ, {})
    if id(mark) not in read:
        read[id(mark)] = _Read(mark, *_arguments(mark, config.rootpath, marker_options(known_modes(config))))
    return read[id(mark)]


def _place(node: Any) -> str:
    """Return a node id; for the items of a parametrized function, which share its marker, that of the function."""
    original = getattr(node, "originalname", None)
    return f"{node.parent.nodeid}::{original}" if original else str(node.nodeid)


def _arguments(mark: pytest.Mark, folder: Path, taken: Sequence[Option]) -> tuple[dict[str, Any], list[str]]:
    known = {option.name: option for option in taken}
    values, problems = {}, []
    if mark.args:
        given = ", ".join(map(repr, mark.args))
        problems.append(f"{MARKER}({given}): it takes keyword arguments only: {', '.join(known)}")
    for name, value in mark.kwargs.items():
        shown = f"{MARKER}({name}={value!r})"
        if name not in known:
            problems.append(f"{shown}: no such argument; it takes {', '.join(known)}")
            continue
        try:
            values[name] = parsed_value(known[name], value, shown, folder)
        except ValueError as error:
            problems.append(str(error))
    return values, problems
