"""What is wrong with the entries of a class path: the JVM passes over such an entry without a word."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pytest

from ..config.options import source_of
from ..config.stash_keys import SETTINGS
from ..model.choices import MARKER

NAME: Final = "classpath"
ADVICE: Final = "correct the path, or make what it names before the tests run"
_JAR: Final = b"PK"
"""The first bytes of a zip archive."""


class ClassPathWarning(pytest.PytestWarning):
    """An entry of a class path leads to no classes."""

    __module__ = "pytest_foreignthread"


def warnings_for(config: pytest.Config, chosen: Iterable[str], items: Iterable[pytest.Item]) -> Iterator[str]:
    """Yield a text for each wrong entry: of the option, whose entries are `chosen`, and of markers of tests."""
    of_option = tuple(chosen)
    wrong = {path: source_of(config, NAME) for path in of_option}
    for item in items:
        settings = item.stash[SETTINGS]
        if settings.jvm is not None and settings.classpath != of_option:
            for path in settings.classpath:
                wrong.setdefault(path, f"{item.nodeid}: {MARKER}({NAME}=...)")
    for path, name in wrong.items():
        if (problem := problem_of(path)) is not None:
            yield f"{name}: expected a directory or a jar, got {path}, {problem}: {ADVICE}"


def problem_of(path: str) -> str | None:
    """Return what is wrong with an entry; None if classes may be there."""
    if "*" in path:
        return None if glob.glob(path) else "which matches no file"
    try:
        if Path(path).is_dir():
            return None if os.access(path, os.R_OK | os.X_OK) else "which cannot be read"
        with open(path, "rb") as file:
            return None if file.read(len(_JAR)) == _JAR else "which is neither"
    except FileNotFoundError:
        return "which does not exist"
    except OSError as error:
        return f"which cannot be read ({error.strerror or error})"
