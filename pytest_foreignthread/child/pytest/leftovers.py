"""What a test has left in the process, where the next test of the child would find it."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from gc import collect
from time import monotonic, sleep
from typing import Any, Final

import pytest

from ...interop.pytest_fixtures import is_of_pytest, was_raised_in_teardown
from ..process_looks import NAMES_OF, FirstFiles, look
from ..process_state import Allowed, Difference, ProcessLook
from .phase_ends import PhaseEnds

_ENDING: Final = 0.05
"""Seconds to wait for threads to end, for example those of a pool that is shut down."""
_STEP: Final = 0.0005
_OBJECTS: Final = frozenset({"file descriptor", "child process", "asyncio task"})
"""Kinds that end when a Python object is destroyed."""
_YOUNG: Final = 1
"""The oldest generation of a collection that is cheap and covers what a test has just made."""
# The largest number of leftovers that the text names.
_MOST_NAMED: Final = 5


class Leftovers:
    """A plugin of a child that looks at the process after each test.

    What fixtures of wider scopes do to the process does not count for the test: they stay or are torn down as in any
    run.
    """

    def __init__(self, ends: PhaseEnds) -> None:
        self._ends = ends
        self._before: ProcessLook | None = None
        self._files: FirstFiles | None = None
        self._allowed = Allowed()
        self.teardown_failed = False
        """Whether the setup of the last test failed in the teardown of a fixture."""

    def begin(self) -> None:
        """Take the first snapshot; call before each test."""
        if self._before is None:
            self._before, self._files = look(), FirstFiles()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self) -> Generator[None, object, object]:
        self.teardown_failed = False
        try:
            return (yield)
        except BaseException as error:
            self.teardown_failed = was_raised_in_teardown(error)
            raise

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
        """Return what the test has left, as text; empty if it left nothing."""
        try:
            return _words(self._found())
        # In a process that a test has damaged any of this may raise, and that is a leftover as well.
        except Exception as error:
            return f"a process that cannot be looked at ({type(error).__name__}: {error})"

    @property
    def stand(self) -> bool:
        """Whether fixtures of the project are set up, which a later test may use."""
        return any(not is_of_pytest(fixture) for fixture in self._ends.standing())

    def _found(self) -> list[str]:
        assert self._before is not None
        assert self._files is not None
        give_up, collected = monotonic() + _ENDING, False
        while True:
            now = look()
            found = list(_counting(now.differences(self._before, self._allowed)))
            kinds = {kind for kind, _ in found}
            if kinds & _OBJECTS and not collected:
                # Objects in a reference cycle live until the next collection.
                collect(_YOUNG)
                collected = True
            elif "thread" in kinds and monotonic() < give_up:
                sleep(_STEP)
            else:
                break
        self._before = now
        lost = self._files.lost(self._allowed.of("file descriptor"))
        return [*(words for _, words in found), *(f"the file {name}, which was closed or replaced" for name in lost)]


def _counting(differences: Iterable[Difference]) -> Iterator[tuple[str, str]]:
    """Yield (kind, text) of each difference that is a reason for a new process."""
    by_kind: dict[str, list[Any]] = {}
    for kind, what in differences:
        by_kind.setdefault(kind, []).append(what)
    for kind, those in by_kind.items():
        named = NAMES_OF[kind](those) if kind in NAMES_OF else dict(zip(those, map(str, those), strict=True))
        yield from ((kind, _shown(kind, name)) for name in named.values())


def _shown(kind: str, name: str) -> str:
    return name if kind in ("setting", "sys.modules") else f"{kind} {name}"


def _words(found: list[str]) -> str:
    more = len(found) - _MOST_NAMED
    return ", ".join([*found[:_MOST_NAMED], *([f"{more} more"] if more > 0 else [])])
