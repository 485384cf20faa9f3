"""Node ids without the mode in their brackets: the name that all runs of one test share."""

from __future__ import annotations


def file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]


def without_mode(nodeid: str, mode: str) -> str:
    """Return a node id without the last part in its brackets that equals `mode`; unchanged if it has no such part.

    The mode is the last parameter. So if another parameter has the same value, the later of the two is the mode.
    """
    function, parts = _split(nodeid)
    # With a dash added at both ends, each part has a dash on both sides, also a part that is empty or has dashes.
    wrapped = f"-{parts}-"
    place = -1 if parts is None else wrapped.rfind(f"-{mode}-")
    if place < 0:
        return nodeid
    rest = wrapped[:place] + wrapped[place + 1 + len(mode) :]
    return function if rest == "-" else f"{function}[{rest[1:-1]}]"


def _split(nodeid: str) -> tuple[str, str | None]:
    """Return the id of the function and the text in its brackets; None if it has none.

    Only brackets behind `::` count, because the name of a directory may have brackets, too.
    """
    path, colons, names = nodeid.partition("::")
    name, bracket, parts = names.partition("[")
    return (f"{path}{colons}{name}", parts[:-1]) if bracket and parts.endswith("]") else (nodeid, None)
