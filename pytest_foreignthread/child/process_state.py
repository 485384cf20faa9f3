"""What differs between two looks at a process: what a test has left there. Pure: the looks are `process_looks`'s."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

State = Mapping[str, frozenset[object]]
"""Kind → what a look found of it. Of a setting that has a value it is the pair of name and value."""

KEPT: Final = frozenset({"logger"})
"""Kinds of which more is no reason: a lazy import brings them. What was there before is to be as it was."""
HELD: Final = frozenset({"thread", "file descriptor", "child process", "asyncio task", "handler of the root logger"})
"""Kinds of which less is no reason: a fixture that was torn down took them along."""


class Difference(NamedTuple):
    kind: str
    what: object
    """The thread, the descriptor and so on; of a setting its name."""


@dataclass(frozen=True)
class ProcessLook:
    state: State
    modules: tuple[int, ...] = ()
    """The identity of each module in the order of `sys.modules`: a new one comes last."""

    def differences(self, before: ProcessLook, allowed: Allowed) -> Iterator[Difference]:
        """Yield what is not as `before`, and is not allowed; new modules and loggers alone are no difference."""
        for kind, now in self.state.items():
            earlier = before.state.get(kind, frozenset())
            gained = frozenset() if kind in KEPT else now - earlier
            lost = frozenset() if kind in HELD else earlier - now
            changed = {_name(one) for one in (gained | lost) - allowed.of(kind)}
            yield from (Difference(kind, one) for one in sorted(changed, key=str))
        if self.modules[: len(before.modules)] != before.modules:
            yield Difference("sys.modules", "a module of sys.modules that was removed, replaced or loaded again")


@dataclass
class Allowed:
    """What fixtures of wider scopes have made of the process: it stays until they are torn down, or goes with them."""

    _by_kind: dict[str, set[object]] = field(default_factory=dict)

    def add(self, before: ProcessLook, after: ProcessLook) -> None:
        """Allow what has changed between two looks, and that it changes back."""
        for kind, now in after.state.items():
            self._by_kind.setdefault(kind, set()).update(now ^ before.state.get(kind, frozenset()))

    def of(self, kind: str) -> frozenset[object]:
        return frozenset(self._by_kind.get(kind, ()))


def _name(one: object) -> object:
    return one[0] if isinstance(one, tuple) else one
