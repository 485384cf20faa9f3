"""The arguments of a child's JVM."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ...model import documents
from ...model.checkers import checks_jni
from ...model.settings import CRASH_FIFO, GO_ON_FIFO, Settings
from .collectors import names_collector

_SERIAL: Final = "-XX:+UseSerialGC"
# The serial collector starts no threads, and C1 is the faster compiler: together they halve the time of a start. The
# scaling of the thresholds compiles less of the code that runs only at the start, an eighth of the processor time. By
# default a thread takes a hundredth of the young generation for its first object. So the threads of a hundred tests
# triggered Java's collector, after which JPype runs a full collection of Python's.
_QUICK: Final = (
    *(_SERIAL, "-XX:TieredStopAtLevel=1", "-XX:CompileThresholdScaling=5"),
    "-XX:TLABSize=64k",
)


def jvm_arguments(settings: Settings, folder: Path) -> list[str]:
    """Return the arguments in HotSpot's order, in which the last of two wins; HotSpot's files go into `folder`."""
    # The user's arguments may replace ours, except for the places where a dying JVM leaves its files, which the report
    # reads. A killed JVM would leave its file of performance data in the temporary directory, so there is none.
    place = _literal(folder)
    kept_here = (f"-XX:ErrorFile={place}/hs_err", f"-XX:ReplayDataFile={place}/replay", *_output(settings, folder))
    quick = _quick(settings.jvm_args) if settings.jvm_profile == "quick" else []
    ours = ["-XX:-UsePerfData", *quick, *_parallel(settings.stress_threads), *_cache(settings.jvm_cache)]
    ours += _held_in_crash(folder)
    return [*ours, *settings.jvm_args, *kept_here]


def _cache(archive: Path | None) -> list[str]:
    """Return the argument for an archive.

    HotSpot goes on without an archive that does not fit, and says so at its start.
    """
    if archive is None:
        return []
    return [f"-XX:{'AOTCache' if archive.suffix == '.aot' else 'SharedArchiveFile'}={archive}"]


def _parallel(threads: int) -> list[str]:
    """Return the arguments for so many Python calls at once on virtual threads, or in the common pool.

    Both have about as many threads as there are processors. A thread that waits in Python is none that Java replaces.
    """
    if threads == 1:
        return []
    number = threads + len(os.sched_getaffinity(0))
    return [
        f"-Djdk.virtualThreadScheduler.parallelism={number}",
        f"-Djava.util.concurrent.ForkJoinPool.common.parallelism={number}",
    ]


def _output(settings: Settings, folder: Path) -> list[str]:
    """Return the arguments that lead what the checker of JNI says into a file; none if there can be no such file.

    On stdout a test's own output would be mixed with it, and with the signal handlers that HotSpot lists there because
    it expects to be the only one who sets them.
    """
    file = folder / documents.JVM_OUTPUT
    # HotSpot replaces these two in the name, and knows no way to write them.
    if not checks_jni(settings.jvm_args) or "%p" in str(file) or "%t" in str(file):
        return []
    try:
        # HotSpot would take another directory for a file that it cannot make, and leave the file there.
        file.touch()
    except OSError:
        return []
    return ["-XX:+UnlockDiagnosticVMOptions", "-XX:+LogVMOutput", "-XX:-DisplayVMOutput", f"-XX:LogFile={file}"]


def _quick(users: Sequence[str]) -> list[str]:
    return [argument for argument in _QUICK if argument != _SERIAL or not names_collector(users)]


def _held_in_crash(folder: Path) -> list[str]:
    """Return the argument that makes a dying JVM notify its supervisor and wait, if a supervisor listens."""
    # HotSpot splits the value into commands at each semicolon, also inside quotes.
    if ";" in str(folder) or not (folder / CRASH_FIFO).is_fifo():
        return []
    crashed, go_on = (shlex.quote(_literal(folder / name)) for name in (CRASH_FIFO, GO_ON_FIFO))
    return [f"-XX:OnError=echo %p >{crashed} && read x <{go_on}"]


def _literal(path: Path) -> str:
    """Return a path as HotSpot reads it literally: HotSpot replaces `%p` by the pid and `%%` by `%`."""
    return str(path).replace("%", "%%")
