"""Where the time of a run goes: the pytest process under cProfile."""

from __future__ import annotations

import io
import pstats
import tempfile
from pathlib import Path
from typing import Final

from .measure import Pytest

_LINES: Final = 25


def profile(run: Pytest) -> str:
    """Return the functions that took most, by their own time and by all below them, waiting included.

    The children are not in it: they leave without a word.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "profile"
        run.run()
        run.command("-m", "cProfile", "-o", str(path)).run()
        text = io.StringIO()
        statistics = pstats.Stats(str(path), stream=text)
        for order in ("tottime", "cumulative"):
            statistics.sort_stats(order).print_stats(_LINES)
    return text.getvalue()
