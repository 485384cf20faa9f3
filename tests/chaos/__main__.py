"""Kill and stop processes of runs of pytest at random, and see that each run ends, and that nothing is left of it."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import tempfile
from collections import Counter
from pathlib import Path

from pytest_foreignthread.supervise.process import processes

from .one_run import CONFIGURATIONS, Configuration, OneRun, Outcome

_KINDS = ("hangs", "processes", "entries", "files")
_FEWEST, _MOST = 2, 5
"""Signals in a run: so many, and fewer than so many."""


def main() -> int:
    asked = _arguments()
    processes.become_subreaper()
    outcomes: dict[Configuration, list[Outcome]] = {configuration: [] for configuration in CONFIGURATIONS}
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        os.environ["XDG_CACHE_HOME"] = str(Path(folder, "cache"))
        number, sent = asked.run or 0, 0
        while sent < asked.kills and (asked.run is None or number == asked.run):
            configuration = CONFIGURATIONS[number % len(CONFIGURATIONS)]
            # Four configurations, three numbers: all pairs occur.
            kills = _FEWEST + number % (_MOST - _FEWEST)
            one = OneRun(Path(folder, str(number)), configuration, f"{asked.seed}-{number}", kills)
            outcomes[configuration].append(outcome := one.outcome())
            _tell(number, asked.seed, configuration, outcome)
            number, sent = number + 1, sent + len(outcome.sent)
    _write_table(outcomes)
    return int(any(outcome.complaints for found in outcomes.values() for outcome in found))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="signals to send in all")
    parser.add_argument("--seed", default=secrets.token_hex(4), help="of another time, to do the same again")
    parser.add_argument("--run", type=int, help="only the run of this number")
    return parser.parse_args()


def _tell(number: int, seed: str, configuration: Configuration, outcome: Outcome) -> None:
    sent = "; ".join(outcome.sent) or "it ended before a signal was sent"
    print(f"run {number}, {configuration}: {'FAILED' if outcome.complaints else 'ok'} ({sent})", flush=True)
    if outcome.complaints:
        print(*(f"    {text}" for text in outcome.complaints), sep="\n")
        print(f"    again: python -m tests.chaos --seed {seed} --run {number}")
        print(*(f"    | {line}" for line in outcome.output.splitlines()[-15:]), sep="\n", flush=True)


def _write_table(outcomes: dict[Configuration, list[Outcome]]) -> None:
    print(f"\n{'configuration':32}{'runs':>6}{'kills':>7}" + "".join(f"{kind:>11}" for kind in _KINDS))
    for configuration, found in outcomes.items():
        kinds: Counter[str] = Counter(kind for outcome in found for kind in outcome.kinds)
        figures = f"{len(found):6}{sum(len(outcome.sent) for outcome in found):7}"
        print(f"{configuration!s:32}{figures}" + "".join(f"{kinds[kind]:11}" for kind in _KINDS))


if __name__ == "__main__":
    sys.exit(main())
