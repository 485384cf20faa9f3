"""What the installed plugin costs a suite that has no marked test."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from typing import Final

from . import suites
from .bench import Bench
from .figures import Compared, Row
from .measure import Pytest, cpus, environment, in_turn, walls

_OURS: Final = "pytest_foreignthread"
# import time: self [us] | cumulative | (two spaces for each level) imported package
_IMPORTED: Final = re.compile(r"import time: +(\d+) \| +(\d+) \| ( *)(\S+)$", re.M)


def ours(bench: Bench) -> Pytest:
    """With the plugins that are installed: what they share is loaded on both sides."""
    return Pytest(suites.trivial(bench.folder / "ours", 1), (), "1 passed", environment=environment())


def rows(bench: Bench) -> list[Row]:
    run, repeat = ours(bench), max(bench.repeat, bench.sizes.start_ups)
    own, other = in_turn(repeat, run.run, run.with_arguments("-p", "no:foreign_thread").run)
    (imports,) = in_turn(bench.repeat, lambda: _import_milliseconds(run))
    modules, all_for_them = zip(*imports, strict=True)
    name, difference, alone = "pytest -q, no marked test / without the plugin", Compared.DIFFERENCE, Compared.ALONE
    return [
        Row(f"{name}: wall", "ms", _milliseconds(walls(own)), _milliseconds(walls(other)), 5.0, difference),
        Row(f"{name}: CPU", "ms", _milliseconds(cpus(own)), _milliseconds(cpus(other)), None, difference),
        Row("import of the plugin: its own modules", "ms", modules, (), None, alone),
        Row("import of the plugin: with what it alone needs", "ms", all_for_them, (), 5.0, alone),
    ]


def _milliseconds(seconds: Iterable[float]) -> tuple[float, ...]:
    return tuple(1000 * one for one in seconds)


def _import_milliseconds(run: Pytest) -> tuple[float, float]:
    command = run.command("-X", "importtime")
    done = subprocess.run(
        command.arguments, cwd=command.folder, env=command.environment, capture_output=True, text=True, check=True
    )
    return import_milliseconds(done.stderr)


def import_milliseconds(told: str) -> tuple[float, float]:
    """Return what `-X importtime` says of the plugin: its own modules, and with what only they import."""
    entries = [(int(own), int(all_), len(indent), name) for own, all_, indent, name in _IMPORTED.findall(told)]
    own = sum(own for own, _, _, name in entries if _is_ours(name))
    return own / 1000, sum(_outermost(entries)) / 1000


def _outermost(entries: Iterable[tuple[int, int, int, str]]) -> Iterable[int]:
    """Return the whole time of our modules that no other of ours imports; importers come after what they import."""
    inside = -1
    for _, whole, level, name in reversed(list(entries)):
        if inside >= 0 and level > inside:
            continue
        inside = level if _is_ours(name) else -1
        if inside >= 0:
            yield whole


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == _OURS
