"""`python -m benchmarks`: takes the figures, prints them as a table, writes them as JSON."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from pytest_foreignthread.jvm.finding import JvmNotFound, find_jvm
from pytest_foreignthread.model.settings import Jvm

from . import failures, growth, isolated, long_session, shared, start_up, without_jvm
from .bench import QUICK, Bench, Benchmark, Sizes
from .drawing import drawing
from .figures import HEADINGS, Row, history_line, table, with_history
from .kept import last_kept, worse
from .measure import BenchmarkError
from .profiles import profile
from .surroundings import ROOT, Surroundings, surroundings

BENCHMARKS: Final[Mapping[int, Benchmark]] = {
    1: Benchmark("a JVM for each test, beside pytest-forked", isolated.beside_pytest_forked, isolated.ours),
    2: Benchmark("a JVM for each test, beside the floor", isolated.beside_the_floor, isolated.ours),
    3: Benchmark("one child for a session, beside plain pytest", shared.rows, shared.ours),
    4: Benchmark("what grows with the number of items", growth.rows, growth.ours),
    5: Benchmark("from a crash or a deadline to the report", failures.rows, failures.crashing),
    6: Benchmark("the plugin installed, and not used", start_up.rows, start_up.ours),
    7: Benchmark("a child without a JVM for each test, beside pytest-forked", without_jvm.rows, without_jvm.ours),
    8: Benchmark("a session of 20,000 items, beside one of 2,000", long_session.rows, long_session.ours),
}
_RESULTS: Final = ROOT / "benchmarks" / "results"
_HISTORY: Final = ROOT / "docs" / "explanation" / "benchmarks.md"
PICTURE: Final = _HISTORY.with_suffix(".svg")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 1 where a figure could not be taken, or no JVM was found; a target that is missed is no error."""
    options = _parser().parse_args(arguments)
    try:
        jvm = find_jvm(options.jvm, "--jvm")
    except JvmNotFound as error:
        print(error, file=sys.stderr)
        return 1
    around = surroundings(jvm)
    print(around, flush=True)
    rows, failed = _run(options, jvm)
    if rows:
        _tell(rows, around, options)
    return int(failed)


def _run(options: argparse.Namespace, jvm: Jvm) -> tuple[list[Row], bool]:
    """Return what was taken, and whether something could not be."""
    rows, failed = [], False
    with tempfile.TemporaryDirectory(prefix="foreignthread-bench-") as folder:
        for number in options.numbers or sorted(BENCHMARKS):
            bench = Bench(Path(folder) / str(number), jvm, _sizes(options), options.repeat, options.matrix_isolation)
            try:
                rows += _profiled(number, bench) if options.profile else _taken(number, bench)
            except BenchmarkError as error:
                failed = True
                print(f"{number}: not taken: {error}", file=sys.stderr, flush=True)
    return rows, failed


def _parser() -> argparse.ArgumentParser:
    what = "\n".join(f"  {number}  {one.title}" for number, one in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"{__doc__}\n\n{what}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("numbers", nargs="*", type=_number, metavar="NUMBER", help="which of them (default: all)")
    parser.add_argument("--repeat", type=_positive, default=5, metavar="N", help="runs of each side (default: 5)")
    parser.add_argument(
        "--quick", action="store_true", help="small suites: tells whether all works, not how fast it is"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="default: benchmarks/results/DATE-MACHINE.json")
    page = _HISTORY.relative_to(ROOT)
    parser.add_argument("--history", action="store_true", help=f"add the figures to table and picture in {page}")
    parser.add_argument("--profile", action="store_true", help="look where the time goes instead")
    parser.add_argument("--jvm", metavar="PATH", help="as --foreign-thread-jvm")
    parser.add_argument("--matrix-isolation", choices=("session", "module", "test"), default="session", help="of 4")
    return parser


def _number(text: str) -> int:
    # argparse's own `choices` refuses an empty list.
    if not text.isdecimal() or int(text) not in BENCHMARKS:
        raise argparse.ArgumentTypeError(f"{text}: want one of {', '.join(map(str, sorted(BENCHMARKS)))}")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: want 1 or more")
    return int(text)


def _sizes(options: argparse.Namespace) -> Sizes:
    return QUICK if options.quick else Sizes()


def _taken(number: int, bench: Bench) -> list[Row]:
    print(f"{number}: {BENCHMARKS[number].title} …", flush=True)
    rows = BENCHMARKS[number].rows(bench)
    for row in rows:
        print("  ", "  ".join(filter(None, row.cells())), flush=True)
    return rows


def _profiled(number: int, bench: Bench) -> list[Row]:
    """Write the profile instead of taking figures."""
    path = _RESULTS / f"profile-{number}.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text(profile(BENCHMARKS[number].profiled(bench)), encoding="utf-8")
    print(f"{number}: {BENCHMARKS[number].title}: {path.relative_to(ROOT)}", flush=True)
    return []


def _tell(rows: Sequence[Row], around: Surroundings, options: argparse.Namespace) -> None:
    print("", table(HEADINGS, [row.cells() for row in rows]), sep="\n")
    # Read before the file of this run, which may replace that of an earlier run of the day.
    kept = last_kept(_RESULTS, around.machine, asdict(_sizes(options)))
    for line in worse(rows, kept) if kept is not None else ():
        print(line)
    path = options.json or _RESULTS / around.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    document: dict[str, Any] = {"around": asdict(around), "sizes": asdict(_sizes(options)), "repeat": options.repeat}
    document["rows"] = [row.as_data() for row in rows]
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(f"\nwritten to {path}")
    if options.history:
        lines = [history_line(around.history_cells(), row) for row in rows]
        page = with_history(_HISTORY.read_text(encoding="utf-8"), lines)
        _HISTORY.write_text(page, encoding="utf-8")
        PICTURE.write_text(drawing(page), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
