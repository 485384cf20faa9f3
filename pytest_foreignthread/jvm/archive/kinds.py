"""The two kinds of archive, and what HotSpot has to be told of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ...model.settings import Jvm

Words = tuple[str, ...]


@dataclass(frozen=True)
class Kind:
    """Words for the JVM by step; `prove` lets it refuse to start where it cannot use the archive."""

    suffix: str
    since: int
    record: Callable[[Path], Words]
    write: Callable[[Path, Path], Words]
    prove: Callable[[Path], Words]


# Both are whole archives: they need none of the JDK's own, which some builds do without.
_AOT: Final = Kind(
    ".aot",
    25,
    lambda classes: ("-XX:AOTMode=record", f"-XX:AOTConfiguration={classes}"),
    lambda classes, archive: ("-XX:AOTMode=create", f"-XX:AOTConfiguration={classes}", f"-XX:AOTCache={archive}"),
    lambda archive: ("-XX:AOTMode=on", f"-XX:AOTCache={archive}"),
)
# -Xshare:off, or the classes of the JDK's own archive would be missing in the list.
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
    """None for a JDK that has neither, or whose release is not known."""
    return next((kind for kind in (_AOT, _CDS) if jvm.release is not None and jvm.release >= kind.since), None)
