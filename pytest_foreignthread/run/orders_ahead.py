"""The tests that a child was ordered to run ahead of their turn: the pytest process's copy of the child's queue."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import replace
from secrets import token_hex

import pytest

from ..channel.orders import RunTest
from ..model.observation import Observation, Serving


class OrdersAhead:
    """The orders that were given ahead, and whose tests nobody has watched yet."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[pytest.Item, RunTest]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def added(self, orders: Iterable[tuple[pytest.Item, RunTest]]) -> list[RunTest]:
        """Add orders, and return them as the child gets them: each with a word that no test knows.

        If nothing waits, the child has done all that it was ordered, and has said so: a new queue begins.
        """
        marked = []
        for item, order in orders:
            marked.append(replace(order, ahead=token_hex(8), anew=not self._waiting))
            self._waiting.append((item, marked[-1]))
        return marked

    @property
    def first(self) -> pytest.Item | None:
        """The test that the child runs next, or runs already."""
        return self._waiting[0][0] if self._waiting else None

    def begun(self, words: Collection[str]) -> list[pytest.Item]:
        """Return the tests of the orders with these words."""
        return [item for item, order in self._waiting if order.ahead in words]

    @property
    def last(self) -> pytest.Item | None:
        return self._waiting[-1][0] if self._waiting else None

    @property
    def word(self) -> str:
        """The word of the first order; empty if there is none."""
        return self._waiting[0][1].ahead if self._waiting else ""

    def take(self) -> RunTest:
        """Remove and return the first order, whose test is watched next."""
        return self._waiting.popleft()[1]

    def keep_if_run(self, seen: Observation) -> None:
        """Forget all orders if the child, of which this was seen last, runs none of them."""
        if not isinstance(seen.end, Serving) or seen.end.drops:
            self._waiting.clear()
