"""The tally of a stressed test, as the HTML page and the Markdown report show it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ..model.outcomes import Outcome
from ..stress.interval import percent
from ..stress.shrunk import lines_of_shrunk
from ..stress.together import together
from .command_line import shell_line

_LEAST_SHARE: Final = 0.06
"""The height of an outcome in a bin, as a share of the bin's: one failure in a bin of thousands is to be seen."""


def stressed_tests(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return an entry for each stressed test in each mode, with the rounds of all its runs."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for entry in entries:
        if entry.get("stress"):
            found.setdefault((entry["test"], entry["mode"]), []).append(entry)
    return [{**runs[0], "stress": together([run["stress"] for run in runs])} for runs in found.values()]


def page_data(stress: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of the page's script for the tally of one test."""
    shrunk = stress["shrunk"]
    found = [] if shrunk is None else [line.strip() for line in lines_of_shrunk(shrunk)]
    reruns = [stress["rerun"], [] if shrunk is None else shrunk["rerun"]]
    return {
        "verdict": stress["verdict"],
        "seed": stress["seed"],
        "course": [{"words": _bin_words(one), "parts": _parts(one["outcomes"])} for one in stress["course"]],
        "done": _rounds(stress),
        "outcomes": sorted(stress["outcomes"].items(), key=_rank),
        "durations": durations(stress["durations"]),
        "rows": stress["rows"],
        "shrunk": {"verdict": found[0], "without": found[1:]} if found else None,
        "rerun": [shell_line(["pytest", *one]) for one in reruns if one],
    }


def durations(found: Mapping[str, float]) -> str:
    return f"a round took {_time(found['median'])} (median), {_time(found['min'])} to {_time(found['max'])}"


def table_row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the cells of a stressed test in the Markdown report, whose columns are `COLUMNS`."""
    stress = entry["stress"]
    low, high = stress["interval"]
    row = next(iter(stress["rows"]), None)
    shrunk = stress["shrunk"]
    return (
        entry["test"],
        entry["mode"],
        _rounds(stress),
        str(stress["failed"]),
        f"{percent(low)}–{percent(high)} %",
        "" if row is None else f"{row['outcome']}: {row['summary']}",
        "" if row is None else row["seed"],
        "" if shrunk is None or shrunk["seed"] is None else shrunk["schedule"],
    )


def _rounds(stress: Mapping[str, Any]) -> str:
    """Return how many rounds are done, and of how many if these are not all that were asked for."""
    done, planned = stress["rounds"], stress["planned"]
    if planned["seconds"] is None:
        return str(done) if done == planned["rounds"] else f"{done} of {planned['rounds']}"
    taken = f"{stress['seconds']:.3g} of " if stress["seconds"] < planned["seconds"] else ""
    return f"{done} in {taken}{planned['seconds']:g} s"


COLUMNS: Final = (
    *("stressed test", "mode", "rounds", "failed", "95 % interval", "most frequent failure", "seed"),
    "smallest setting that failed",
)
NUMBERS: Final = (2, 3, 4)
"""The places of the columns of numbers."""


def _parts(outcomes: Mapping[str, int]) -> list[tuple[str, float]]:
    """Return outcome and height of each part of a bin, the failures first; the heights add up to 1."""
    total = sum(outcomes.values())
    heights = {word: max(number / total, _LEAST_SHARE) for word, number in outcomes.items() if number}
    whole = sum(heights.values())
    return [(word, round(height / whole, 4)) for word, height in sorted(heights.items(), key=_rank)]


_LAST: Final = (Outcome.XFAILED, Outcome.SKIPPED, Outcome.XPASSED, Outcome.PASSED)
"""The outcomes that do not fail a test."""
_FIRST: Final = sorted((one for one in Outcome if one not in _LAST), key=lambda outcome: not outcome.abnormal)
_ORDER: Final = [outcome.value for outcome in (*_FIRST, *_LAST)]


def _rank(item: tuple[str, Any]) -> int:
    return _ORDER.index(item[0])


def _bin_words(one: Mapping[str, Any]) -> str:
    rounds = f"round {one['first']}" if one["first"] == one["last"] else f"rounds {one['first']} to {one['last']}"
    return f"{rounds}: {', '.join(f'{number} {word}' for word, number in sorted(one['outcomes'].items(), key=_rank))}"


def _time(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"
