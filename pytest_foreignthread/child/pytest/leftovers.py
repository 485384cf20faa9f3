"""What a test has left in the process that the next test of the child would find there."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from gc import collect
from time import monotonic, sleep
from typing import Any, Final

import pytest

from ...interop.pytest_fixtures import is_of_pytest
from ..process_looks import NAMES_OF, look
from ..process_state import Allowed, Difference, ProcessLook
from .phase_ends import PhaseEnds

_ENDING: Final = 0.05
"""Seconds that threads have to end in: those of a pool that was told to, say."""
_STEP: Final = 0.0005
_OBJECTS: Final = frozenset({"file descriptor", "child process", "asyncio task"})
"""Kinds that end with an object of Python's."""
_YOUNG: Final = 1
"""The generation up to which a collection is cheap, and finds what a test has just made."""
_MOST_TOLD: Final = 5


class Leftovers:
    """A plugin of a child that looks after each test.

    What fixtures of wider scopes do to the process is not the test's: they stand, or are torn down, as in any process.
    """

    def __init__(self, ends: PhaseEnds) -> None:
        self._ends = ends
        self._before: ProcessLook | None = None
        self._allowed = Allowed()

    def begin(self) -> None:
        """Call before each test."""
        if self._before is None:
            self._before = look()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        if fixturedef.scope == "function":
            return (yield)
        before = look()
        try:
            return (yield)
        finally:
            self._allowed.add(before, look())

    def found(self) -> str:
        """Return in words what the test has left; empty where nothing was found."""
        try:
            return _words(self._found())
        # A test may leave a process in which any of this raises, and that is a leftover as well.
        except Exception as error:
            return f"a process that cannot be looked at ({type(error).__name__}: {error})"

    @property
    def stand(self) -> bool:
        """Whether fixtures of the project's stand, which a later test may use."""
        return any(not is_of_pytest(fixture) for fixture in self._ends.standing())

    def _found(self) -> list[str]:
        assert self._before is not None
        give_up, collected = monotonic() + _ENDING, False
        while True:
            now = look()
            found = list(_counting(now.differences(self._before, self._allowed)))
            kinds = {kind for kind, _ in found}
            if kinds & _OBJECTS and not collected:
                # What a cycle of references keeps alive is gone with the next collection.
                collect(_YOUNG)
                collected = True
            elif "thread" in kinds and monotonic() < give_up:
                sleep(_STEP)
            else:
                break
        self._before = now
        return [words for _, words in found]


def _counting(differences: Iterable[Difference]) -> Iterator[tuple[str, str]]:
    """Yield kind and words of what is a reason for another process."""
    by_kind: dict[str, list[Any]] = {}
    for kind, what in differences:
        by_kind.setdefault(kind, []).append(what)
    for kind, those in by_kind.items():
        named = NAMES_OF[kind](those) if kind in NAMES_OF else dict(zip(those, map(str, those), strict=True))
        yield from ((kind, _shown(kind, name)) for name in named.values())


def _shown(kind: str, name: str) -> str:
    return name if kind in ("setting", "sys.modules") else f"{kind} {name}"


def _words(found: list[str]) -> str:
    more = len(found) - _MOST_TOLD
    return ", ".join([*found[:_MOST_TOLD], *([f"{more} more"] if more > 0 else [])])
