"""The table of the history → a picture of its ratios, as SVG: pure."""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_TEXT, _LEFT, _RIGHT, _HEIGHT, _HEAD = 330, 350, 720, 22, 30
_STYLE: Final = """
  text { font: 12px sans-serif; fill: #24292f } .axis { stroke: #d0d7de } .run { stroke: #0969da; fill: none }
  .newest { fill: #0969da } .target { stroke: #cf222e; stroke-width: 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .axis { stroke: #3d444d } .run { stroke: #4493f8 } .newest { fill: #4493f8 }
    .target { stroke: #f85149 }
  }
"""


@dataclass(frozen=True)
class Course:
    """One benchmark: its ratio in each kept run, oldest first, and the target of the newest run."""

    name: str
    ratios: tuple[float, ...]
    target: float | None


def courses(document: str) -> Iterator[Course]:
    """Yield the courses in the table of a page's history; a difference or a figure with a unit is none."""
    found: dict[str, list[list[str]]] = {}
    for line in document.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 11 and _number(cells[8]) is not None and cells[7] not in ("–", ""):
            found.setdefault(cells[5], []).append(cells)
    for name, rows in found.items():
        ratios = tuple(float(row[8]) for row in rows)
        yield Course(name, ratios, _number(rows[-1][9].removeprefix("≤ ")))


def drawing(document: str) -> str:
    """Return the picture: a row for each benchmark, in which a ratio of 0 is at the left, and less is better.

    A circle is a run, the full circle the newest one; the red mark is the target.
    """
    found = list(courses(document))
    most = math.ceil(max((max(*one.ratios, one.target or 0.0) for one in found), default=1.0))
    bottom = _HEAD + _HEIGHT * len(found)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_RIGHT + 60} {bottom + 6}" role="img">',
        f"<title>Our time as a multiple of the other side's</title><style>{_STYLE}</style>",
        *itertools.chain.from_iterable(_scale(most, bottom)),
        *itertools.chain.from_iterable(
            _row(one, _HEAD + _HEIGHT * (number + 0.5), most) for number, one in enumerate(found)
        ),
    ]
    return "\n".join([*lines, "</svg>", ""])


def _scale(most: int, bottom: int) -> Iterator[tuple[str, str]]:
    for ratio in range(most + 1):
        x = _across(ratio, most)
        yield f'<text x="{x}" y="16" text-anchor="middle">{ratio}</text>', f'<path class="axis" d="M{x} 22V{bottom}"/>'


def _row(course: Course, y: float, most: int) -> Iterator[str]:
    yield f'<text x="{_TEXT}" y="{y + 4}" text-anchor="end">{html.escape(course.name)}</text>'
    if course.target is not None:
        yield f'<path class="target" d="M{_across(course.target, most)} {y - 8}v16"/>'
    *older, newest = (_across(ratio, most) for ratio in course.ratios)
    for x in older:
        yield f'<circle class="run" cx="{x}" cy="{y}" r="4"/>'
    yield f'<circle class="run newest" cx="{newest}" cy="{y}" r="4"/>'
    yield f'<text x="{_RIGHT + 16}" y="{y + 4}">{course.ratios[-1]:.2f}</text>'


def _across(ratio: float, most: int) -> float:
    return round(_LEFT + (_RIGHT - _LEFT) * ratio / most, 1)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
