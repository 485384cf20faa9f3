"""The difference between two snapshots of a process: what a test has left. This module only compares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

State = Mapping[str, frozenset[object]]
"""Kind → what a snapshot found. A setting that has a value is a tuple that starts with its name."""

KEPT: Final = frozenset({"logger"})
"""Kinds that may grow, because a lazy import adds to them. What existed before must be unchanged."""
HELD: Final = frozenset({"thread", "file descriptor", "child process", "asyncio task", "handler of the root logger"})
"""Kinds that may shrink, because the teardown of a fixture removes from them."""


class Difference(NamedTuple):
    kind: str
    what: object
    """The thread, the descriptor and so on; for a setting, its name."""


@dataclass(frozen=True)
class ProcessLook:
    state: State
    modules: tuple[int, ...] = ()
    """The `id` of each module in the order of `sys.modules`; new modules come last."""

    def differences(self, before: ProcessLook, allowed: Allowed) -> Iterator[Difference]:
        """Yield what differs from `before` and is not allowed; new modules and loggers are no difference."""
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
    """What fixtures of wider scopes have changed in the process: it stays until their teardown, which may undo it."""

    _by_kind: dict[str, set[object]] = field(default_factory=dict)

    def add(self, before: ProcessLook, after: ProcessLook) -> None:
        """Allow what changed between two snapshots, and also the change back."""
        for kind, now in after.state.items():
            self._by_kind.setdefault(kind, set()).update(now ^ before.state.get(kind, frozenset()))

    def of(self, kind: str) -> frozenset[object]:
        return frozenset(self._by_kind.get(kind, ()))


def _name(one: object) -> object:
    return one[0] if isinstance(one, tuple) else one
