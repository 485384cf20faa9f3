"""What the markers of a test say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from .options import MARKER_OPTIONS, MODE, parsed_value
from .settings import MODES

MARKER: Final = "foreign_thread"

MARKER_HELP: Final = (
    f"{MARKER}(mode='new', timeout=SECONDS, jvm_args=[...], classpath=[...]): run the body of the test as a callback "
    f"on a Java thread, in a forked child with a JVM of its own; mode is one of {', '.join(MODES)}, or a list of them."
)


@dataclass(frozen=True)
class Marked:
    """What the markers of a test say, the closest first, argument by argument."""

    values: dict[str, Any]
    problems: tuple[tuple[str, str], ...]
    """Where a marker stands (node id) and what cannot be understood in it."""

    @property
    def modes(self) -> tuple[str, ...]:
        modes: tuple[str, ...] = self.values.get(MODE.name, MODE.default)
        return modes


def read_markers(item: Any) -> Marked:
    values: dict[str, Any] = {}
    problems = []
    for node, mark in item.iter_markers_with_node(MARKER):
        understood, wrong = _arguments(mark, item.config.rootpath)
        problems += [(_place(node), problem) for problem in wrong]
        values = understood | values
    return Marked(values, tuple(problems))


def _place(node: Any) -> str:
    """Give one name to all items of a parametrized function: its marker is the same."""
    original = getattr(node, "originalname", None)
    return f"{node.parent.nodeid}::{original}" if original else str(node.nodeid)


def _arguments(mark: pytest.Mark, folder: Path) -> tuple[dict[str, Any], list[str]]:
    known = {option.name: option for option in MARKER_OPTIONS}
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
