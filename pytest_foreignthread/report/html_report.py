"""The HTML report: one file, which needs no network, with chart, legend, grid, filters and the report of each cell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ..matrix.verdicts import Cell, Matrix, Row
from ..model.outcomes import Outcome
from ..model.records import OwnChildRun
from ..model.roles import is_idle
from ..model.stacks import Gil, Thread
from ..model.wording import motion_words, titled, wait_words
from . import legend, mode_chart, stress_words
from .command_line import shell_line
from .entry_threads import threads_of
from .frame_text import frame_lines
from .second_run_lines import control_line, own_child_line
from .text import PAGES

TITLE: Final = "Foreign-thread matrix"
TITLE_WITHOUT_MATRIX: Final = "Foreign-thread tests"
_TAGGED: Final = re.compile(r"\s*\((\w+)\)\s*(.*)", re.DOTALL)

_LANGUAGES: Final = ("C", "Python", "Java")
_MARKS: Final = {"segfault": "crashed", "crash": "ended the process"}

_AS_THEY_ARE: Final = ("message", "fault", "problematic_frame", "uncaught", "artifacts", "missing")

Entry = Mapping[str, Any]


def render(
    matrix: Matrix,
    entries: Sequence[Entry],
    environment: Mapping[str, Any],
    run: Mapping[str, Any] | None = None,
    *,
    asked: bool = True,
) -> str:
    """Return the page. `entries` are the entries that the matrix was made of.

    `asked` says whether the user asked for a matrix; otherwise the page shows no verdicts.
    """
    bars = list(mode_chart.bars(matrix))
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    text = page.from_string(_resource("matrix.html.j2")).render(
        title=TITLE if asked else TITLE_WITHOUT_MATRIX,
        summary=_counted(matrix, entries),
        total=mode_chart.total(matrix).words,
        bars=bars,
        most=max((bar.number for bar in bars), default=0),
        run=run,
        command=shell_line(run["command"]) if run is not None else "",
        tallies=list(matrix.tallies()) if asked else [],
        outcomes=list(legend.outcomes_of(matrix)),
        modes=list(legend.modes_of(matrix.modes)),
        verdicts=list(legend.verdicts_of(matrix)) if asked else [],
        environment=list(_flat(environment)),
        style=Markup(_resource("matrix.css")),
        script=Markup(_resource("matrix.js")),
        data=_json(page_data(matrix, entries, asked=asked)),
    )
    # A name whose bytes are not UTF-8 has lone surrogates in it: a file with them could not be written.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def page_data(matrix: Matrix, entries: Sequence[Entry], *, asked: bool = True) -> dict[str, Any]:
    """Return the data of the page's script. Each line of a stack is there once: most lines are in many reports."""
    lines: dict[str, int] = {}
    runs: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for entry in entries:
        runs.setdefault((entry["test"], entry["mode"]), []).append(_run(entry, lines))
    rows = [_row(row, matrix.modes, runs) for row in matrix.rows]
    if not asked:
        # `how` explains a verdict. Without verdicts the column shows the diagnoses instead.
        rows = [{**data, "how": _causes(row)} for data, row in zip(rows, matrix.rows, strict=True)]
    return {"verdicts": asked, "modes": list(matrix.modes), "rows": rows, "lines": list(map(_tagged, lines))}


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


def _causes(row: Row) -> str:
    """Return the diagnoses of a test. If it has none, return how it broke in the first mode in which it broke."""
    shorts = (cell.short for cell in row.cells.values() if cell.short)
    return ", ".join(sorted(row.diagnoses)) or next(shorts, "")


def _cell(cell: Cell, runs: list[dict[str, Any]]) -> dict[str, Any]:
    outcomes = [outcome.value for outcome in dict.fromkeys(cell.outcomes)]
    found = {"outcome": cell.outcome.value, "word": cell.outcome.value + cell.often, "outcomes": outcomes, "runs": runs}
    return {**found, **_without_empty({"diagnosis": cell.diagnosis, "short": cell.short})}


def _run(entry: Entry, lines: dict[str, int]) -> dict[str, Any]:
    """Return the report of one run without its empty fields: a page may have thousands of runs that passed."""
    threads = threads_of(entry)
    idle = [not thread.current and is_idle(thread) for thread in threads]
    shown = [_thread(thread, threads, entry["outcome"], lines) for thread in threads]
    return _without_empty(
        {
            "outcome": entry["outcome"],
            "facts": _facts(entry),
            "rerun": shell_line(["pytest", *entry["rerun"]]),
            "diagnosis": _diagnosis(entry.get("diagnosis")),
            "next_steps": entry.get("next_steps"),
            "at": _at(entry.get("at")),
            "threads": [one for one, at_rest in zip(shown, idle, strict=True) if not at_rest],
            "idle": [one for one, at_rest in zip(shown, idle, strict=True) if at_rest],
            **{name: entry.get(name) for name in _AS_THEY_ARE},
            "notes": [*_alone(entry), *entry.get("notes", ())],
            "stress": stress_words.page_data(entry["stress"]) if entry.get("stress") else None,
        }
    )


def _counted(matrix: Matrix, entries: Sequence[Entry]) -> str:
    numbers = ((len(matrix.rows), "test"), (len(matrix.modes), "mode"), (len(entries), "run"))
    tests, modes, runs = (f"{number} {noun}{'' if number == 1 else 's'}" for number, noun in numbers)
    return f"{tests} in {modes}, {runs}"


def _at(at: Mapping[str, Any] | None) -> str:
    return "" if at is None else f"{at['file']}:{at['line']}: {at['source']}".removesuffix(": ")


def _alone(entry: Entry) -> list[str]:
    control = entry.get("control_alone")
    lines = filter(None, [control_line(None if control is None else Outcome(control))])
    if (alone := entry.get("alone")) is None:
        return [*lines]
    only_after = entry.get("only_after")
    found = OwnChildRun(
        Outcome(alone["outcome"]),
        alone["message"],
        tuple(alone["before"]),
        only_after=None if only_after is None else tuple(only_after),
        search=alone.get("search", ""),
    )
    return [own_child_line(Outcome(entry["outcome"]), found), *lines]


def _facts(entry: Entry) -> str:
    ended = [] if entry.get("exit_code") is None else [f"exit status {entry['exit_code']}"]
    signal = [entry["signal"]] if entry.get("signal") else []
    looks = [f"{entry['looks']} looks at its stacks"] if entry.get("looks") else []
    jvm = [] if entry.get("jvm_start") is None else [f"the JVM's start {entry['jvm_start']:.2f} s"]
    return ", ".join([f"in {entry['phase']}", f"after {entry['duration']:.2f} s", *signal, *ended, *looks, *jvm])


def _diagnosis(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if found is None else {**found, "page": f"{PAGES}{found['code']}/"}


def _thread(thread: Thread, threads: Sequence[Thread], outcome: str, lines: dict[str, int]) -> dict[str, Any]:
    return {
        "title": titled(thread),
        "current": thread.current,
        "state": "; ".join(filter(None, [_mark(thread, outcome), *_state(thread, threads)])),
        "apart": thread.apart,
        "locks": list(thread.locks),
        "stacks": [_numbered(frame_lines(stack), lines) for stack in thread.stacks],
        "whole": _whole(thread, lines),
    }


def _mark(thread: Thread, outcome: str) -> str:
    return _MARKS.get(outcome, "") if thread.current else "crashed as well" if thread.also_crashed else ""


def _whole(thread: Thread, lines: dict[str, int]) -> list[list[int]]:
    """Return the stacks with nothing folded; an empty list if they are the same as the folded stacks."""
    folded = [list(frame_lines(stack)) for stack in thread.stacks]
    whole = [list(frame_lines(stack, whole=True)) for stack in thread.stacks]
    return [] if folded == whole else [_numbered(stack, lines) for stack in whole]


def _numbered(stack: Iterable[str], lines: dict[str, int]) -> list[int]:
    return [lines.setdefault(line, len(lines)) for line in stack]


def _state(thread: Thread, threads: Sequence[Thread]) -> Iterator[str]:
    if thread.gil is Gil.HOLDS:
        yield "holds the GIL"
    yield from (f"waits for {wait_words(wait, threads)}" for wait in thread.waits)
    if thread.java_state is not None:
        yield thread.java_state
    yield motion_words(thread).removesuffix(": ")


def _tagged(line: str) -> tuple[str, str]:
    """Split `(Java)   at a.B.c` into language and text. A line for folded frames has an empty language."""
    found = _TAGGED.fullmatch(line)
    return (found[1], found[2]) if found and found[1] in _LANGUAGES else ("", line.strip())


def _flat(environment: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in environment.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name} ")
        elif value is not None:
            yield f"{prefix}{name}", str(value)


def _json(data: Mapping[str, Any]) -> Markup:
    """Return JSON in which `<` is escaped: in a string of the data, `</script>` would end the script element."""
    return Markup(json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"))


def _without_empty(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if value}


def _resource(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text(encoding="utf-8")
