"""`python -m tests.real.races [NAME ...]`: run the thread tests of public packages in rounds, print what came.

Options that it does not know go to pytest.
"""

from __future__ import annotations

import argparse
import re
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

from pytest_foreignthread.stress.interval import interval, percent

from .runs import Runner
from .sources import ROOT, SuiteError, Workshop
from .suites import THREADED, Suite

MODES: Final = ("native", "native-pool", "new")
PAGE: Final = ROOT / "docs" / "explanation" / "real-suites.md"
BEGIN: Final = "<!-- made by: make races -->"
_BLOCK: Final = re.compile(f"({BEGIN}\n).*?(<!-- end -->\n)", re.DOTALL)
_HEAD: Final = ("suite", "version", "mode", "tests", "rounds of each", "rounds failed", "rate of each test")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    options, further = parser.parse_known_args(arguments)
    if unknown := set(options.names).difference(suite.name for suite in THREADED):
        parser.error(f"expected some of {', '.join(suite.name for suite in THREADED)}, got {sorted(unknown)[0]!r}")
    # A shell ignores it for what it runs in the background; suites wait for what it raises.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    workshop = Workshop(options.folder.resolve())
    lines: list[str] = []
    rows: list[tuple[str, ...]] = []
    try:
        workshop.make()
        for suite in THREADED:
            if not options.names or suite.name in options.names:
                print(f"{suite.name} …", file=sys.stderr, flush=True)
                entries = Runner(workshop, update=False, options=further).races(
                    suite, MODES, options.rounds, options.threads, options.seed
                )
                rows += rows_of(suite, entries)
                lines += failures_of(suite, entries)
    except SuiteError as error:
        print(error, file=sys.stderr)
        return 1
    around = f"{options.threads} threads at once, seed {options.seed}, Python {workshop.python_version()}"
    made = markdown(rows, lines, f"{date.today()}, {around}.")
    print(made)
    if options.docs:
        PAGE.write_text(with_block(PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")
    return 0


def rows_of(suite: Suite, entries: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    """Yield the cells of a row of the table for each mode. A test that was skipped or broke off has no rounds."""
    for mode in MODES:
        stressed = [one["stress"] for one in entries if one["mode"] == mode and one["stress"] is not None]
        if not stressed:
            continue
        rounds = [one["rounds"] for one in stressed]
        failed = sum(one["failed"] for one in stressed)
        # The bound of the test with the highest: rounds of different tests have no common rate.
        bound = max(interval(one["failed"], one["rounds"])[1] for one in stressed)
        spread = str(rounds[0]) if len(set(rounds)) == 1 else f"{min(rounds)} to {max(rounds)}"
        cells = (mode, str(len(stressed)), spread, f"{failed} of {sum(rounds)}", f"under {percent(bound)} %")
        yield (suite.name, suite.version, *cells)


def failures_of(suite: Suite, entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each test that failed in a mode, and for each that has no rounds."""
    for one in entries:
        test = f"{suite.name}, `{one['test'].rpartition('::')[2]}` in `{one['mode']}`"
        if one["stress"] is None:
            yield f"- {test}: {one['outcome']}, without a round: {one['summary'] or one['message'] or 'no reason'}"
        elif one["stress"]["failed"]:
            row = one["stress"]["rows"][0]
            yield f"- {test}: {one['stress']['verdict']}; most frequent: {row['count']}x {row['summary']}"


def markdown(rows: Sequence[Sequence[str]], lines: Sequence[str], foot: str) -> str:
    table = [f"| {' | '.join(cells)} |" for cells in (_HEAD, ["---"] * len(_HEAD), *rows)]
    return "\n".join([*table, "", *([*lines, ""] if lines else []), foot])


def with_block(page: str, block: str) -> str:
    """Return a page with the block of results replaced. Raise ValueError if the page has none."""
    made, number = _BLOCK.subn(lambda found: f"{found[1]}\n{block}\n\n{found[2]}", page)
    if number != 1:
        raise ValueError(f"expected one block of results in the page, got {number}")
    return made


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.real.races", description=__doc__)
    names = ", ".join(suite.name for suite in THREADED)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of suites: {names} (all)")
    parser.add_argument("--rounds", type=int, default=50, help="rounds of each test in each mode (50)")
    parser.add_argument("--threads", type=int, default=8, help="threads of a round (8)")
    parser.add_argument("--seed", default="2881734021", help="seed of the run's schedules (2881734021)")
    parser.add_argument("--docs", action="store_true", help=f"put the table into {PAGE.relative_to(ROOT)}")
    parser.add_argument("--folder", type=Path, default=ROOT / ".real", help="where all of it is kept")
    return parser


if __name__ == "__main__":
    sys.exit(main())
