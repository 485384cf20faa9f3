"""What grows with the number of items: the pytest process's memory, descriptors, children; time for an item."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from . import suites
from .bench import Bench
from .figures import Compared, Row
from .measure import Pytest, environment, in_turn

_MODES: Final = ("main", "same", "new", "pool")
_SAMPLES: Final = 50


@dataclass(frozen=True)
class Sample:
    """What the pytest process had after so many items; `seconds` count from any start."""

    items: int
    seconds: float
    kilobytes: float
    descriptors: int
    children: int


@dataclass(frozen=True)
class Growth:
    """From the second sample on: the first item is that of imports and of the first JVM."""

    kilobytes: float
    """For each item."""
    descriptors: int
    """The most at once, without the least. The last item's sample does not count: its child has ended."""
    children: int
    slowdown: float
    """Seconds for an item in the last tenth, as a multiple of those in the first tenth without the first item."""


def growth(samples: Sequence[Sample]) -> Growth:
    """Want one sample of the first item, and after it those of at least ten equal steps."""
    first, steady = samples[0], samples[1:]
    tenth = len(steady) // 10
    early = _pace(first, steady[tenth - 1])
    late = _pace(steady[-1 - tenth], steady[-1])
    kilobytes = (steady[-1].kilobytes - steady[0].kilobytes) / (steady[-1].items - steady[0].items)
    descriptors = [one.descriptors for one in steady[:-1]]
    children = [one.children for one in steady[:-1]]
    return Growth(
        kilobytes, max(descriptors) - min(descriptors), max(children) - min(children), late / early if early else 1.0
    )


def _pace(begin: Sample, end: Sample) -> float:
    return (end.seconds - begin.seconds) / (end.items - begin.items)


def ours(bench: Bench) -> Pytest:
    suite = suites.trivial(
        bench.folder / "ours", bench.sizes.matrix, head=suites.marker("new"), conftest=suites.SAMPLER
    )
    options = (f"--foreign-thread-modes={','.join(_MODES)}", f"--foreign-thread-isolation={bench.matrix_isolation}")
    return _sampled(bench, bench.ours(suite, f"{_items(bench)} passed", *options))


def rows(bench: Bench) -> list[Row]:
    # The same number of items of each function, so that pytest itself holds as much.
    plain_head = f'import pytest\n\npytestmark = pytest.mark.parametrize("mode", {_MODES!r})\n'
    suite = bench.folder / "plain"
    suites.trivial(suite, bench.sizes.matrix, head=plain_head, parameters="mode", conftest=suites.SAMPLER)
    plain = _sampled(bench, Pytest(suite, ("-p", "no:foreign_thread"), f"{_items(bench)} passed"))
    runs = in_turn(bench.repeat, lambda: _growth_of(ours(bench)), lambda: _growth_of(plain))
    return _rows(f"matrix of {_items(bench)} items, isolation {bench.matrix_isolation}", *runs)


def _rows(title: str, own: Sequence[Growth], plain: Sequence[Growth]) -> list[Row]:
    memory = tuple(one.kilobytes for one in own), tuple(one.kilobytes for one in plain)
    alone = Compared.ALONE
    return [
        Row(f"{title}: memory for an item / plain pytest", "KB", *memory, 2.0, Compared.DIFFERENCE),
        Row(f"{title}: descriptors, most - least", "", tuple(float(one.descriptors) for one in own), (), 0.0, alone),
        Row(f"{title}: children, most - least", "", tuple(float(one.children) for one in own), (), 0.0, alone),
        Row(f"{title}: time for an item, last / first tenth", "", tuple(one.slowdown for one in own), (), 1.1, alone),
    ]


def _items(bench: Bench) -> int:
    return bench.sizes.matrix * len(_MODES)


def _sampled(bench: Bench, run: Pytest) -> Pytest:
    every = str(max(1, _items(bench) // _SAMPLES))
    around = environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", BENCHMARK_EVERY=every)
    return Pytest(run.folder, run.arguments, run.words, environment=around)


def _growth_of(run: Pytest) -> Growth:
    run.run()
    lines = (Path(run.folder) / "samples.jsonl").read_text(encoding="utf-8").splitlines()
    return growth([Sample(**json.loads(line)) for line in lines])
