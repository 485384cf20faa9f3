"""The arguments that a child's JVM is started with."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ...model.settings import CRASH_FIFO, GO_ON_FIFO, Settings

# A collector without threads of its own and the first compiler alone: half of a start's time otherwise. What runs only
# while the JVM starts is compiled less, which is an eighth of the processor time. For its first object a thread takes a
# hundredth of the young generation: the threads of a hundred tests had Java's garbage collected, and JPype then has all
# of Python's collected as well.
_QUICK: Final = (
    *("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:CompileThresholdScaling=5"),
    "-XX:TLABSize=64k",
)
_COLLECTOR: Final = re.compile(r"-XX:[+-]Use\w*GC")
# Where HotSpot takes arguments from besides.
_VARIABLES: Final = ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS")


def jvm_arguments(settings: Settings, folder: Path) -> list[str]:
    """Return the arguments in HotSpot's order, in which the later of two wins; HotSpot's files go into `folder`."""
    # The user's arguments may replace ours, but not where a dying JVM leaves its files: the report is read from there.
    # Performance data is a file in the temporary directory that a killed JVM leaves behind.
    place = _literal(folder)
    kept_here = (f"-XX:ErrorFile={place}/hs_err", f"-XX:ReplayDataFile={place}/replay")
    quick = _quick(settings.jvm_args) if settings.jvm_profile == "quick" else []
    ours = ["-XX:-UsePerfData", *quick, *_cache(settings.jvm_cache), *_held_in_crash(folder)]
    return [*ours, *settings.jvm_args, *kept_here]


def _cache(archive: Path | None) -> list[str]:
    """HotSpot goes on without an archive that does not fit; what it says of that is said while it starts."""
    if archive is None:
        return []
    return [f"-XX:{'AOTCache' if archive.suffix == '.aot' else 'SharedArchiveFile'}={archive}"]


def _quick(users: Sequence[str]) -> list[str]:
    spoken = [*users, *(word for name in _VARIABLES for word in os.environ.get(name, "").split())]
    # HotSpot does not start with two collectors, whichever comes last.
    chosen = any(_COLLECTOR.match(word) for word in spoken)
    return [argument for argument in _QUICK if not (chosen and _COLLECTOR.match(argument))]


def _held_in_crash(folder: Path) -> list[str]:
    """Let a dying JVM tell its supervisor, and wait, where one listens."""
    # HotSpot ends a command at a semicolon, whatever the quotes.
    if ";" in str(folder) or not (folder / CRASH_FIFO).is_fifo():
        return []
    crashed, go_on = (shlex.quote(_literal(folder / name)) for name in (CRASH_FIFO, GO_ON_FIFO))
    return [f"-XX:OnError=echo %p >{crashed} && read x <{go_on}"]


def _literal(path: Path) -> str:
    """Write a path so that HotSpot, which puts the pid in for `%p`, takes it as it is."""
    return str(path).replace("%", "%%")
