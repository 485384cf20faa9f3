"""Node ids without the mode in their brackets, so that the runs of one test can be told from those of another."""

from __future__ import annotations


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


def _split(nodeid: str) -> tuple[str, str | None]:
    """Return the function's id and what its brackets hold; directories may have brackets in their names, too."""
    path, colons, names = nodeid.partition("::")
    name, bracket, parts = names.partition("[")
    return (f"{path}{colons}{name}", parts[:-1]) if bracket and parts.endswith("]") else (nodeid, None)
