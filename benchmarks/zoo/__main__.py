"""`python -m benchmarks.zoo`: repeats each race until it shows, plain and shaken, and prints the table."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pytest_foreignthread.jvm.finding import find_jvm

from ..surroundings import ROOT, surroundings
from .medians import RUNS, Race, is_decided, table, with_block

_RACES: Final = "benchmarks/zoo/races.py"
_PAGE: Final = ROOT / "docs" / "explanation" / "stress-zoo.md"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    around = surroundings(find_jvm(None, "foreign_thread_jvm"))
    races: dict[str, Race] = {}
    for plain in (False, True):
        for seed in range(1, RUNS + 1):
            _run(races, options.limit, seed, plain=plain, only=options.only)
            print(f"{'plain' if plain else 'shaken'} {seed} of {RUNS}", file=sys.stderr, flush=True)
    made = f"{table(list(races.values()), options.limit)}\n\n{around.date}, {around}."
    print(made)
    if options.docs:
        _PAGE.write_text(with_block(_PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")
    return 0


def _run(races: dict[str, Race], limit: int, seed: int, *, plain: bool, only: str | None) -> None:
    """Run each race whose median is not decided once more."""
    decided = [race.name for race in races.values() if is_decided(race.plain if plain else race.shaken)]
    chosen = " and ".join([*([f"({only})"] if only else []), *(f"not {name}" for name in decided)])
    if len(decided) == len(races) > 0:
        return
    for entry in _entries(chosen, limit, f"{seed}:1:none" if plain else str(seed)):
        name = entry["nodeid"].rpartition("::test_")[2]
        races.setdefault(name, Race(name)).add(entry, plain=plain)


def _entries(chosen: str, limit: int, seed: str) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="foreignthread-zoo-") as folder:
        report = Path(folder) / "report.json"
        command = [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
            *(_RACES, "--foreign-thread-native=off", f"--foreign-thread-report={report}"),
            *(f"--foreign-thread-stress={limit}", f"--foreign-thread-stress-seed={seed}"),
            *("--foreign-thread-stress-stop", "--foreign-thread-stress-shrink=0", "-k", chosen),
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if not report.exists():
            raise SystemExit(f"expected a report of the races, got\n{done.stdout}{done.stderr}")
        found: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["tests"]
        return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.zoo", description=__doc__)
    parser.add_argument("--limit", type=int, default=500, help="rounds after which a race counts as not found (500)")
    parser.add_argument("--only", metavar="EXPRESSION", help="the races that pytest's -k chooses")
    parser.add_argument("--docs", action="store_true", help=f"put the table into {_PAGE.relative_to(ROOT)}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
