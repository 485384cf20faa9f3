"""`python -m tests.real [NAME ...]`: run the suites, print the table; status 1 where anything is not as known."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from . import tables
from .results import SuiteResult
from .runs import Runner
from .sources import ROOT, SuiteError, Workshop
from .suites import SUITES, Suite, chosen

_MARK = "<!-- below: make real -->\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.real", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of suites; `cpython` for all of CPython's own")
    parser.add_argument("--update", action="store_true", help="bring the baselines up to date")
    parser.add_argument(
        "--docs", action="store_true", help="write the last results of all suites into docs/explanation/real-suites.md"
    )
    parser.add_argument("--folder", type=Path, default=ROOT / ".real", help="where all of it is kept")
    known, options = parser.parse_known_args(arguments)
    # A shell ignores it for what it runs in the background; suites wait for what it raises.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        suites = chosen(known.names)
        workshop = Workshop(known.folder.resolve())
        workshop.make()
    except (ValueError, SuiteError) as error:
        parser.error(str(error))
    runner = Runner(workshop, known.update, options)
    results = [_result(runner, suite) for suite in suites]
    print(tables.terminal(results))
    if known.docs:
        _write_docs(ROOT / "docs" / "explanation" / "real-suites.md", [runner.reported(suite) for suite in SUITES])
    return int(any(result.differences for result in results))


def _result(runner: Runner, suite: Suite) -> SuiteResult:
    print(f"{suite.name} …", file=sys.stderr, flush=True)
    return runner.reported(suite, runner.run(suite))


def _write_docs(path: Path, results: Sequence[SuiteResult]) -> None:
    above, mark, _ = path.read_text(encoding="utf-8").partition(_MARK)
    path.write_text(above + mark + tables.markdown(results), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
