"""The checkers that a run or a test may ask for, by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

JNI: Final = "jni"
MALLOC: Final = "malloc"
DEV: Final = "dev"
CHECKS: Final = (JNI, MALLOC, DEV)
OF_INTERPRETER: Final = frozenset({MALLOC, DEV})
"""The checkers that can only be switched on when an interpreter starts, and so not in a fork."""
_CHECKS_JNI: Final = "-Xcheck:jni"
"""The argument of a JVM that lets it check the calls of JNI."""

_NOTE: Final = "checkers: "


def with_jni_check(jvm_args: Sequence[str], checks: Iterable[str]) -> tuple[str, ...]:
    """Return the arguments of a JVM, with the one of the checker `jni` if the checker is asked for."""
    added = (_CHECKS_JNI,) if JNI in checks and not checks_jni(jvm_args) else ()
    return (*jvm_args, *added)


def checks_jni(jvm_args: Sequence[str]) -> bool:
    """Return whether a JVM with these arguments checks the calls of JNI: a user may give the argument, too."""
    return _CHECKS_JNI in jvm_args


def note_of(checks: Sequence[str]) -> str:
    """Return the note in the record of a test that runs under checkers."""
    return f"{_NOTE}{', '.join(checks)}"


def checks_in(notes: Iterable[str]) -> frozenset[str]:
    """Return the checkers that the notes of a test name."""
    return frozenset(name for note in notes if note.startswith(_NOTE) for name in note.removeprefix(_NOTE).split(", "))


def has_own_interpreter(notes: Iterable[str]) -> bool:
    """Return whether the notes of a test say that a checker needed a fresh interpreter."""
    return not OF_INTERPRETER.isdisjoint(checks_in(notes))
