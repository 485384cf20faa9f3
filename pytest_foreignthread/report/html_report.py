"""The matrix as one HTML file that needs no network: the grid, its filters, and each run's report behind its cell."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ..matrix.verdicts import Cell, Matrix, Row
from ..model.outcomes import Outcome
from ..model.records import Alone
from ..model.stacks import Frame, Gil, Thread
from ..model.wording import motion_words, titled, wait_words
from .alone import alone_line
from .entry_threads import threads_of
from .frame_text import frame_line
from .text import PAGES

TITLE: Final = "Foreign-thread matrix"
_TAGGED: Final = re.compile(r"\s*\((\w+)\)\s*(.*)", re.DOTALL)

_MARKS: Final = {"segfault": "crashed", "crash": "ended the process"}

Entry = Mapping[str, Any]


def render(matrix: Matrix, entries: Sequence[Entry], environment: Mapping[str, Any]) -> str:
    """Return the page. `entries` are those that the matrix was made of."""
    seen = {outcome for row in matrix.rows for cell in row.cells.values() for outcome in cell.outcomes}
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    text = page.from_string(_resource("matrix.html.j2")).render(
        title=TITLE,
        summary=f"{len(matrix.rows)} tests in {len(matrix.modes)} modes, {len(entries)} runs",
        tallies=list(matrix.tallies()),
        outcomes=[outcome.value for outcome in Outcome if outcome in seen],
        modes=matrix.modes,
        environment=list(_flat(environment)),
        style=Markup(_resource("matrix.css")),
        script=Markup(_resource("matrix.js")),
        data=_json(page_data(matrix, entries)),
    )
    # A name of bytes that are no UTF-8 has lone surrogates in it, and a file could not be written.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def page_data(matrix: Matrix, entries: Sequence[Entry]) -> dict[str, Any]:
    """Return what the page's script works on. Each frame stands there once: most are the same in all reports."""
    frames: dict[Frame, int] = {}
    runs: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for entry in entries:
        runs.setdefault((entry["test"], entry["mode"]), []).append(_run(entry, frames))
    rows = [_row(row, matrix.modes, runs) for row in matrix.rows]
    return {"modes": list(matrix.modes), "rows": rows, "frames": [_tagged(frame_line(frame)) for frame in frames]}


def _row(row: Row, modes: Sequence[str], runs: Mapping[tuple[str, str], list[dict[str, Any]]]) -> dict[str, Any]:
    cells = [_cell(row.cells[mode], runs.get((row.test, mode), [])) if mode in row.cells else None for mode in modes]
    name = row.test.removeprefix(f"{row.file}::")
    return {
        "test": row.test,
        "file": row.file,
        "name": name,
        "verdict": row.verdict.value,
        "how": row.how,
        "cells": cells,
    }


def _cell(cell: Cell, runs: list[dict[str, Any]]) -> dict[str, Any]:
    outcomes = [outcome.value for outcome in dict.fromkeys(cell.outcomes)]
    found = {"outcome": cell.outcome.value, "word": cell.outcome.value + cell.often, "outcomes": outcomes, "runs": runs}
    return {**found, **_without_empty({"diagnosis": cell.diagnosis, "short": cell.short})}


def _run(entry: Entry, frames: dict[Frame, int]) -> dict[str, Any]:
    """Return a run's report; what is empty is left out, as there are thousands of runs that passed."""
    threads = threads_of(entry)
    return _without_empty(
        {
            "outcome": entry["outcome"],
            "facts": _facts(entry),
            "rerun": shlex.join(["pytest", *entry["rerun"]]),
            "diagnosis": _diagnosis(entry.get("diagnosis")),
            "threads": [_thread(thread, threads, entry["outcome"], frames) for thread in threads],
            **{name: entry.get(name) for name in ("message", "problematic_frame", "artifacts", "missing")},
            "notes": [*_alone(entry), *entry.get("notes", ())],
        }
    )


def _alone(entry: Entry) -> list[str]:
    if (alone := entry.get("alone")) is None:
        return []
    only_after = entry.get("only_after")
    found = Alone(
        Outcome(alone["outcome"]),
        alone["message"],
        tuple(alone["before"]),
        only_after=None if only_after is None else tuple(only_after),
        search=alone.get("search", ""),
    )
    return [alone_line(Outcome(entry["outcome"]), found)]


def _facts(entry: Entry) -> str:
    ended = [] if entry.get("exit_code") is None else [f"exit status {entry['exit_code']}"]
    signal = [entry["signal"]] if entry.get("signal") else []
    return ", ".join([f"in {entry['phase']}", f"after {entry['duration']:.2f} s", *signal, *ended])


def _diagnosis(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if found is None else {**found, "page": f"{PAGES}{found['code']}/"}


def _thread(thread: Thread, threads: Sequence[Thread], outcome: str, frames: dict[Frame, int]) -> dict[str, Any]:
    return {
        "title": titled(thread),
        "current": thread.current,
        "state": "; ".join(filter(None, [_MARKS.get(outcome, "") if thread.current else "", *_state(thread, threads)])),
        "apart": thread.apart,
        "locks": list(thread.locks),
        "stacks": [[frames.setdefault(frame, len(frames)) for frame in stack] for stack in thread.stacks],
    }


def _state(thread: Thread, threads: Sequence[Thread]) -> Iterator[str]:
    if thread.gil is Gil.HOLDS:
        yield "holds the GIL"
    yield from (f"waits for {wait_words(wait, threads)}" for wait in thread.waits)
    if thread.java_state is not None:
        yield thread.java_state
    yield motion_words(thread).removesuffix(": ")


def _tagged(line: str) -> tuple[str, str]:
    """Split `(Java)   at a.B.c` into language and words."""
    found = _TAGGED.fullmatch(line)
    return (found[1], found[2]) if found else ("", line.strip())


def _flat(environment: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in environment.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name} ")
        elif value is not None:
            yield f"{prefix}{name}", str(value)


def _json(data: Mapping[str, Any]) -> Markup:
    """Return JSON that stays inside its script element: there `<` begins what may end it, whatever it is part of."""
    return Markup(json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"))


def _without_empty(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if value}


def _resource(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text(encoding="utf-8")
