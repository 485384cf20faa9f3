"""Where Clojure is: three jars, of which each release needs its own two others."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

NAMES = ("clojure", "spec.alpha", "core.specs.alpha")
WHY_NONE = (
    "no Clojure found: install it (apt-get install clojure), let CLOJURE_JAR name a clojure.jar that has "
    "spec.alpha.jar and core.specs.alpha.jar beside it, or have all three in CLASSPATH or in ~/.m2"
)


def clojure_jars() -> list[str]:
    """Return the paths of Clojure's jars; none where one of them is missing."""
    for found in _places():
        if all(found):
            return [str(path) for path in found]
    return []


def _places() -> Iterator[list[Path | None]]:
    if named := os.environ.get("CLOJURE_JAR"):
        jar = Path(named)
        yield [jar, *(_newest(jar.parent, name) for name in NAMES[1:])] if jar.is_file() else [None]
        return
    listed = [Path(path) for path in os.environ.get("CLASSPATH", "").split(os.pathsep) if path]
    yield [next((path for path in listed if _is_jar_of(name, path)), None) for name in NAMES]
    yield [_newest(Path("/usr/share/java"), name) for name in NAMES]
    maven = Path.home() / ".m2/repository/org/clojure"
    yield [_newest(maven / name, name) for name in NAMES]


def _newest(folder: Path, name: str) -> Path | None:
    found = [path for path in folder.rglob("*.jar") if _is_jar_of(name, path)] if folder.is_dir() else []
    return max(found, key=lambda path: [int(part) for part in re.findall(r"\d+", path.stem)], default=None)


def _is_jar_of(name: str, path: Path) -> bool:
    """Distinguish `clojure.jar` and `clojure-1.12.0.jar` from `clojure-contrib.jar`."""
    rest = path.stem.removeprefix(name)
    return path.stem.startswith(name) and (not rest or (rest[0] == "-" and rest[1:2].isdigit())) and path.is_file()
