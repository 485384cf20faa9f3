"""Node ids without the mode in their brackets, so that the runs of one test can be told from those of another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence


def file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]


def without_mode(nodeid: str, mode: str) -> str:
    """Take the last part of the brackets that equals `mode` away; give an id that has none back unchanged.

    The mode is parametrized after all else, so where a parameter has its name, the later of the two is the mode.
    """
    function, parts = _split(nodeid)
    # With a dash at either end each part stands between two, also one that is empty or has dashes of its own.
    wrapped = f"-{parts}-"
    place = -1 if parts is None else wrapped.rfind(f"-{mode}-")
    if place < 0:
        return nodeid
    rest = wrapped[:place] + wrapped[place + 1 + len(mode) :]
    return function if rest == "-" else f"{function}[{rest[1:-1]}]"


def without_modes(runs: Sequence[tuple[str, str]]) -> list[str]:
    """Give the id of each run, (node id, mode), without its mode.

    Either all ids of a function hold their mode or none does. One without it has been run in a single mode, and what
    looks like the mode in its other ids is a parameter of its own.
    """
    stripped = [without_mode(nodeid, mode) for nodeid, mode in runs]
    held: defaultdict[str, set[bool]] = defaultdict(set)
    for (nodeid, _), test in zip(runs, stripped, strict=True):
        held[_split(nodeid)[0]].add(test != nodeid)
    return [
        test if held[_split(nodeid)[0]] == {True} else nodeid for (nodeid, _), test in zip(runs, stripped, strict=True)
    ]


def _split(nodeid: str) -> tuple[str, str | None]:
    """Give the function's id and what its brackets hold; folders may have brackets in their names, too."""
    path, colons, names = nodeid.partition("::")
    name, bracket, parts = names.partition("[")
    return (f"{path}{colons}{name}", parts[:-1]) if bracket and parts.endswith("]") else (nodeid, None)
