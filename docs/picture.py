"""Draw the report of the first tutorial as docs/report.svg, the picture of the README: `python docs/picture.py`.

The text is what docs/follow.py took from the terminal. With --check nothing is written, and the exit status is 1 where
the picture is not that text.
"""

from __future__ import annotations

import re
import sys
from html import escape
from pathlib import Path

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "tutorial" / "first-test.md"
PICTURE = DOCS / "report.svg"
REPORT = re.compile(r"(?ms)^(test_\S+ S +\[.*?^=+ 1 segfault in \S+ =+)$")
COLUMNS, CHARACTER, LINE, MARGIN = 80, 8.43, 18, 20
COLOURS = (
    (r"=+ .* =+$", "#e5e5e5"),
    (r"segfault on |SIGSEGV|SEGFAULT|at: |problematic frame|_+ ", "#ff7b72"),
    (r"diagnosis: |  code that|  - no thread|    \(", "#f2cc60"),
    (r"  help: |  references|  time limit|  more: |rerun: ", "#7ee787"),
    (r"  \(Python\)", "#79c0ff"),
    (r"  \(Java\)", "#ffa657"),
    (r"  \(", "#8b949e"),
)


def report(page: str) -> list[str]:
    """Return the lines of the report that the page shows, cut to the width of a terminal, with one thread's stack."""
    found = REPORT.search(page)
    if found is None:
        raise LookupError(
            f"{PAGE}: expected the report of a segfault, got none: run python docs/follow.py --write {PAGE}"
        )
    lines = found[1].splitlines()
    second = [number for number, line in enumerate(lines) if line.startswith("thread ")][1]
    rerun = next(number for number, line in enumerate(lines) if line.startswith("rerun: "))
    chosen = [*lines[:second], "…", *lines[rerun:]]
    return [line if len(line) <= COLUMNS else f"{line[: COLUMNS - 1]}…" for line in chosen]


def drawn(lines: list[str]) -> str:
    width, height = round(COLUMNS * CHARACTER) + 2 * MARGIN, len(lines) * LINE + 2 * MARGIN
    texts = [
        f'<text x="{MARGIN}" y="{MARGIN + LINE * number - 5}" fill="{_colour(line)}">{_literal(line)}</text>'
        for number, line in enumerate(lines, start=1)
        if line
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            "<title>A segmentation fault on a Java thread, its diagnosis, and its stack</title>",
            f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>',
            '<g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14">',
            *texts,
            "</g>",
            "</svg>",
            "",
        ]
    )


def _literal(line: str) -> str:
    # Spaces at the start of a text, and several in a row, are dropped in an SVG.
    return escape(line, quote=False).replace(" ", "\N{NO-BREAK SPACE}")


def _colour(line: str) -> str:
    return next((colour for pattern, colour in COLOURS if re.match(pattern, line)), "#c9d1d9")


def main() -> int:
    picture = drawn(report(PAGE.read_text(encoding="utf-8")))
    if "--check" not in sys.argv:
        PICTURE.write_text(picture, encoding="utf-8")
    elif not PICTURE.is_file() or PICTURE.read_text(encoding="utf-8") != picture:
        print(f"{PICTURE}: is not the report that {PAGE} shows: run python docs/picture.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
