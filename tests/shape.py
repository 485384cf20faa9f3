"""Figures of the package's shape: `python -m tests.shape`; with `--drawing` the rooms and who imports whom."""

from __future__ import annotations

import argparse
import ast
import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from .layout import AT_ROOT, PACKAGE, ROOMS, ROOT, imported_modules, imports, room_of, sources

Function = ast.FunctionDef | ast.AsyncFunctionDef

_WIDTH: Final = 520
_GAP: Final = 62
_HEIGHT: Final = 24
"""Of the drawing, in pixels; the gap is that between the middles of two rows."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.shape", description=__doc__)
    parser.add_argument("--drawing", action="store_true", help="print the drawing of the rooms, an SVG")
    print(drawing() if parser.parse_args().drawing else table(figures()))


def figures() -> dict[str, str]:
    """Return name → value, in the order in which the figures are shown."""
    lines = {module: _number_of_lines(module) for module in sources()}
    longest = max(lines, key=lambda module: lines[module])
    lengths = [_length(function) for function in functions()]
    docstrings = [text for tree in sources().values() for text in _docstrings(tree)]
    give = sum(text.startswith("Give ") for text in docstrings)
    return {
        "modules": str(len(sources())),
        "modules at the root": str(sum("." not in module for module in sources())),
        "rooms": str(len(ROOMS)),
        "longest chain of imports": str(floors()),
        "imports between rooms": str(len(edges())),
        "longest module": f"{longest.replace('.', '/')}.py, {lines[longest]} lines",
        "median module": f"{statistics.median(lines.values()):.0f} lines",
        "functions": str(len(lengths)),
        "median function": f"{statistics.median(lengths):.0f} lines",
        "longest function": f"{max(lengths)} lines",
        'docstrings that start with "Give"': f"{give} of {len(docstrings)}",
    }


def table(rows: Mapping[str, str]) -> str:
    width = max(map(len, rows))
    return "\n".join(f"{name:{width}}  {value}" for name, value in rows.items())


def functions() -> Iterator[Function]:
    for tree in sources().values():
        yield from (node for node in ast.walk(tree) if isinstance(node, Function))


def _length(function: Function) -> int:
    """Return the lines of a function's body; its docstring and its decorators do not count."""
    first = 1 if ast.get_docstring(function) is not None else 0
    body = function.body[first:] or function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def _docstrings(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | Function) and (text := ast.get_docstring(node)) is not None:
            yield text


def _number_of_lines(module: str) -> int:
    path = (ROOT / PACKAGE).joinpath(*module.split(".")).with_suffix(".py")
    return len(Path(path).read_text(encoding="utf-8").splitlines())


def floors() -> int:
    """Return the length of the longest chain of modules of which each imports the next when it is imported."""
    imported = dict(imported_modules(at_import=True))
    heights: dict[str, int] = {}

    def height(module: str) -> int:
        if module not in heights:
            heights[module] = 1 + max(map(height, imported[module]), default=0)
        return heights[module]

    return max(map(height, imported))


def edges() -> dict[tuple[str, str], int]:
    """Return (room, room below it) → imports."""
    found: dict[tuple[str, str], int] = {}
    for one in imports():
        here = "root" if room_of(one.module) in AT_ROOT else room_of(one.module)
        if one.inside in ROOMS and one.inside != here:
            found[here, one.inside] = found.get((here, one.inside), 0) + 1
    return found


def direct_edges() -> dict[str, list[str]]:
    """Return room -> rooms that it imports; an import that a longer way implies is left out."""
    direct = set(edges())
    below = {room: {to for start, to in direct if start == room} for room in ("root", *ROOMS)}

    def reached(room: str) -> set[str]:
        return below[room].union(*map(reached, below[room]))

    return {
        room: [to for to in ROOMS if to in own and not any(to in reached(other) for other in own - {to})]
        for room, own in below.items()
    }


def drawing() -> str:
    """Return an SVG: each room stands below all rooms that import it, and a line leads down to what a room imports."""
    below = direct_edges()
    floor: dict[str, int] = {}
    for room in below:
        floor[room] = 1 + max((floor[other] for other in floor if room in below[other]), default=-1)
    rows = [[room for room in below if floor[room] == number] for number in range(max(floor.values()) + 1)]
    place = {
        room: (round(_WIDTH * (column + 0.5) / len(row)), _GAP * number + _HEIGHT)
        for number, row in enumerate(rows)
        for column, room in enumerate(row)
    }
    lines = [_line(place[room], place[to]) for room, imported in below.items() for to in imported]
    boxes = [_box(room, *place[room]) for room in below]
    size = f'width="{_WIDTH}" height="{_GAP * len(rows)}"'
    style = 'font-family="sans-serif" font-size="15" fill="none" stroke="#456"'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>', *lines, *boxes, "</svg>"])


def _line(start: tuple[int, int], end: tuple[int, int]) -> str:
    (x, y), (to_x, to_y) = start, end
    middle = (y + to_y) // 2
    # A line between rooms of one column that skips a row bows out, past the room between them.
    bow = 110 if x == to_x and to_y - y > _GAP else 0
    return f'<path d="M{x} {y} C{x + bow} {middle} {to_x + bow} {middle} {to_x} {to_y}"/>'


def _box(room: str, x: int, y: int) -> str:
    box = f'<rect x="{x - 52}" y="{y - 15}" width="104" height="30" rx="6" fill="#eef3f8"/>'
    return f'{box}<text x="{x}" y="{y + 5}" text-anchor="middle" fill="#123" stroke="none">{room}</text>'


if __name__ == "__main__":
    main()
