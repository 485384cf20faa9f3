"""The seed of a round, derived from the run's, the test and the mode: no order and no xdist worker changes it."""

from __future__ import annotations

import hashlib
import random

from ..model.stress_choice import Seed

BITS = 32


def new_run_seed(uid: str | None) -> Seed:
    """Return a seed for a run; all processes of a run that has a common id get the same one."""
    if uid is None:
        return Seed(random.SystemRandom().getrandbits(BITS))
    return Seed(int.from_bytes(hashlib.sha256(uid.encode()).digest()[: BITS // 8], "big"))


def round_seed(run: int, test: str, mode: str, number: int) -> int:
    """Return the seed of one round; `test` is the node id without the mode."""
    text = "\0".join((str(run), test, mode, str(number)))
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")
