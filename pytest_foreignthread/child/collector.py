"""Python's collector of garbage in a fork, where it is off at first."""

from __future__ import annotations

import gc
from typing import Final

from .. import jvms

_JPYPES: Final = "_jpype"


def begin(*, collects: bool) -> None:
    """`collects` is whether it was on in the process that was forked.

    JPype's hooks in it may ask Java to collect its garbage as well. Of a JVM that ran in that process there is nothing
    here that could: they would wait without end.
    """
    if jvms.runs_here():
        gc.callbacks[:] = [one for one in gc.callbacks if getattr(one, "__module__", None) != _JPYPES]
    if collects:
        gc.enable()
