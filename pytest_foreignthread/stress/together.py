"""The rounds of one test that several processes ran, as one tally: each worker of xdist may run a share of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..model.outcomes import Outcome
from .tally import PASSES
from .verdict import bounds, verdict

Tallied = Mapping[str, Any]
"""The data of a tally."""


def together(shares: Sequence[Tallied]) -> Tallied:
    """Return the data of all shares in one, without the course of the rounds, their durations and a command.

    The rounds of all shares have the same chance to fail. So the interval of a run that stops early is valid for their
    sum too, wherever each share has stopped.
    """
    if len(shares) == 1:
        return shares[0]
    outcomes = Counter[str]()
    for share in shares:
        outcomes.update(share["outcomes"])
    failures = Counter({word: number for word, number in outcomes.items() if Outcome(word) not in PASSES})
    rounds, anytime = outcomes.total(), any(share["anytime"] for share in shares)
    rows = _rows(shares)
    died = all(Outcome(row["outcome"]).abnormal for row in rows)
    return {
        "seed": shares[0]["seed"],
        "threads": shares[0]["threads"],
        "planned": {
            "rounds": _sum(share["planned"]["rounds"] for share in shares),
            "seconds": shares[0]["planned"]["seconds"],
        },
        "rounds": rounds,
        "failed": failures.total(),
        "seconds": max(share["seconds"] for share in shares),
        "interval": list(bounds(failures.total(), rounds, anytime=anytime)),
        "verdict": verdict(failures, rounds, _remarks(shares), died=died, anytime=anytime),
        "outcomes": dict(outcomes),
        "rows": rows,
        "shrunk": next((share["shrunk"] for share in shares if share["shrunk"] is not None), None),
    }


def _sum(numbers: Any) -> int | None:
    found = list(numbers)
    return None if None in found else sum(found)


def _rows(shares: Sequence[Tallied]) -> list[dict[str, Any]]:
    """Return the rows, the most frequent first. Equal failures of several shares are one row."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in sorted((row for share in shares for row in share["rows"]), key=lambda row: int(row["first_round"])):
        kind = row["outcome"], row["diagnosis"], row["frame"]
        if kind in found:
            found[kind]["count"] += row["count"]
        else:
            found[kind] = dict(row)
    return sorted(found.values(), key=lambda row: -int(row["count"]))


def _remarks(shares: Sequence[Tallied]) -> str:
    stopped = sum(share["stopped"] is not None for share in shares)
    cut = f"; stopped early in {stopped} of {len(shares)} runs" if stopped else ""
    cut += "; the run was interrupted" if any(share["interrupted"] for share in shares) else ""
    skipped = sum(share["skipped"] for share in shares)
    return cut + (f"; ended by a skipped round in {skipped} of {len(shares)} runs" if skipped else "")
