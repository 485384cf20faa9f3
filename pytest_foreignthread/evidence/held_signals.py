"""Signals that were sent and do not arrive, as the looks at a hang found them: text → data."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..model.stacks import HeldSignal

_LINE = re.compile(
    r"pending\t(?P<signal>SIG[A-Z0-9]{2,9})\t(?P<at>thread|child|process)\t(?P<id>[0-9]{1,9})\t(?P<name>.*)"
)


def parse_held_signals(texts: Sequence[str]) -> tuple[HeldSignal, ...]:
    """Return those that all looks found; none of a single look, in which a signal may be on its way."""
    looks = [_found(text) for text in texts]
    if len(looks) < 2:
        return ()
    return tuple(one for one in looks[0] if all(one in look for look in looks[1:]))


def _found(text: str) -> list[HeldSignal]:
    lines = (_LINE.fullmatch(line) for line in text.split("\n")[:-1])
    return [HeldSignal(line["signal"], line["at"], int(line["id"]), line["name"]) for line in lines if line]
