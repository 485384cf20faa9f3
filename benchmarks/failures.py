"""How long a crash and a hang take to be told: from the fault, or from the deadline, to pytest's report."""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Final

from . import suites
from .bench import Bench
from .figures import Compared, Row
from .measure import BenchmarkError, Pytest, in_turn

_TIMEOUT: Final = 1.0
"""Seconds."""
_NATIVE_OFF: Final = "--foreign-thread-native=off"


def crashing(bench: Bench) -> Pytest:
    tests = _in_a_run(bench, bench.sizes.crashes)
    suite = _suite(bench.folder / "crash", tests, "ctypes.string_at(0)")
    return bench.ours(suite, f"{tests} segfault", status=1)


def _hanging(bench: Bench) -> Pytest:
    tests = _in_a_run(bench, bench.sizes.hangs)
    suite = _suite(bench.folder / "hang", tests, "threading.Event().wait()")
    return bench.ours(suite, f"{tests} hang", f"--foreign-thread-timeout={_TIMEOUT}", status=1)


def rows(bench: Bench) -> list[Row]:
    if importlib.util.find_spec("pystack") is None:
        raise BenchmarkError("pystack is not installed: pip install 'pytest-foreignthread[native]'")
    crashes = _both_ways(bench, crashing(bench), 0.0)
    hangs = _both_ways(bench, _hanging(bench), _TIMEOUT)
    ways = ("with pystack", "native off")
    return [
        *(_row(f"segfault, {way}: fault to report", took, 0.3) for way, took in zip(ways, crashes, strict=True)),
        *(_row(f"hang, {way}: deadline to report", took, None) for way, took in zip(ways, hangs, strict=True)),
    ]


def _row(name: str, took: tuple[float, ...], target: float | None) -> Row:
    return Row(name, "s", took, target=target, compared=Compared.ALONE)


def _both_ways(bench: Bench, run: Pytest, allowed: float) -> list[tuple[float, ...]]:
    without = run.with_arguments(_NATIVE_OFF)
    runs = in_turn(bench.repeat, lambda: _latencies(run, allowed), lambda: _latencies(without, allowed))
    return [tuple(chain.from_iterable(one)) for one in runs]


def _in_a_run(bench: Bench, tests: int) -> int:
    """The tests are shared out among the runs."""
    return math.ceil(tests / bench.repeat)


def _suite(folder: Path, tests: int, body: str) -> Path:
    files = {"test_it.py": suites.BREAKING.format(tests=tests, body=body), "conftest.py": suites.REPORT_TIMES}
    return suites.written(folder, files)


def _latencies(run: Pytest, allowed: float) -> Sequence[float]:
    """Return the seconds from the test's last mark to its verdict, without those that it was allowed."""
    run.run()
    lines = (run.folder / "verdicts.jsonl").read_text(encoding="utf-8").splitlines()
    verdicts = {line["test"]: line["seconds"] for line in map(json.loads, lines)}
    return [seconds - float((run.folder / test).read_text()) - allowed for test, seconds in verdicts.items()]
