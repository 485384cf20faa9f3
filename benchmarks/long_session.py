"""A session of ten times the items: what an item costs must stay the same."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from . import suites
from .bench import OUR_PLUGIN, Bench
from .figures import Row
from .measure import Pytest, cpus, in_turn, walls

_MODES: Final = ("main", "native")
# Without a JVM, which would be a large part of what the short session costs.
_OURS: Final = (
    *OUR_PLUGIN,
    "--foreign-thread-jvm=none",
    "--foreign-thread-isolation=session",
    f"--foreign-thread-modes={','.join(_MODES)}",
)


def ours(bench: Bench) -> Pytest:
    return _run(bench.folder / "long", bench.sizes.session)


def rows(bench: Bench) -> list[Row]:
    long, short = bench.sizes.session, bench.sizes.session // 10
    sides = (ours(bench), _run(bench.folder / "short", short), _run(bench.folder / "start", len(_MODES)))
    own, other, start = in_turn(bench.repeat, *(side.run for side in sides))
    name = f"an item of {long} / an item of {short}, one session"
    return [
        Row(f"{name}: wall", "ms", _each(walls(own), walls(start), long), _each(walls(other), walls(start), short)),
        Row(f"{name}: CPU", "ms", _each(cpus(own), cpus(start), long), _each(cpus(other), cpus(start), short), 1.1),
    ]


def _run(folder: Path, items: int) -> Pytest:
    suite = suites.trivial(folder, items // len(_MODES), head=suites.marker("native"))
    return Pytest(suite, _OURS, f"{items} passed")


def _each(seconds: tuple[float, ...], start: tuple[float, ...], items: int) -> tuple[float, ...]:
    """Return the milliseconds for one item, without what the start of a session takes."""
    return tuple(1000 * (one - first) / items for one, first in zip(seconds, start, strict=True))
