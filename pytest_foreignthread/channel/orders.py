"""Orders from the pytest process to a child: each is a line of JSON.

Only the pytest process has the writing end of the pipe, so a child trusts its orders.

An order that is given ahead (`RunTest.ahead`) is one of a queue: the child goes on to it by itself, without an answer
of the pytest process to the test before. After a test that did not pass, or left something, the child says so
(`TestEnded.drops`) and drops the queue, also those orders of it that are still on their way: all until the next order
that begins a new queue (`RunTest.anew`). `Withdraw` takes back the orders that the child has not begun. The child
answers that by `NotServed`, as the first of them, and drops the rest.
"""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from json import dumps, loads
from os import read
from typing import Any, Final


@dataclass(frozen=True)
class RunTest:
    """The order to run a test.

    A fork has a copy of the run's list of items, and gets an item's index in it. A fresh interpreter has made its own
    items, and gets a node id.
    """

    item: int | str
    next_item: int | str | None = None
    """The item that pytest runs next in this child; pytest keeps the fixtures that this item needs as well."""
    last: bool = True
    """Whether the child must tear down all fixtures after this test, and end."""
    looks: bool = False
    """Whether the child must say what the test has left in its process."""
    round: Mapping[str, Any] | None = None
    """The schedule of a round of a stressed test; None for a test that is not stressed."""
    ahead: str = ""
    """A word that no test knows, if the order is given ahead: the child repeats it when it begins the test."""
    anew: bool = True
    """Whether the order begins a new queue; False if it counts only after a test that passed and left nothing."""


@dataclass(frozen=True)
class End:
    """The order to tear down all fixtures that are still set up, and to end."""

    item: int | str | None = None
    """The item whose teardown that is for pytest: the one that the child has served last, if None."""


@dataclass(frozen=True)
class Withdraw:
    """Takes back the orders that were given ahead and that the child has not begun."""

    ahead: str = ""
    """The word of the first of them; only the child's own end of the pipe sets it."""


Order = RunTest | End
Sent = Order | Withdraw

_CLASSES: Final[Mapping[str, type[Sent]]] = {cls.__name__: cls for cls in (RunTest, End, Withdraw)}


def encode_order(order: Sent) -> bytes:
    return dumps({"order": type(order).__name__, **vars(order)}).encode() + b"\n"


class Orders:
    """The child's end of the pipe of orders."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)
        self._rest = b""
        self._waiting: deque[Sent] = deque()
        self._drops = False
        """Whether the rest of the queue is void."""

    def fileno(self) -> int:
        return self._fd

    def drop(self) -> None:
        """Drop what was given ahead, until the next order that begins a new queue."""
        self._drops = True

    @property
    def has_next(self) -> bool:
        """Whether an order that was given ahead is here, so that the child begins a test at once."""
        return bool(self._waiting) and isinstance(self._waiting[0], RunTest)

    def __iter__(self) -> Iterator[Sent]:
        """Yield each order when it comes; end if the pytest process has gone or a test has closed the descriptor.

        `Withdraw` is yielded in place of the orders that it takes back, if there are any.
        """
        while self._waiting or self._read():
            order = self._waiting.popleft()
            if isinstance(order, Withdraw):
                # What it takes back was begun before it came, or is dropped.
                continue
            self._drops = self._drops and isinstance(order, RunTest) and not order.anew
            if self._drops:
                continue
            if isinstance(order, RunTest) and order.ahead and self._is_withdrawn():
                self._drops = True
                order = Withdraw(order.ahead)
            yield order

    def _is_withdrawn(self) -> bool:
        """Return whether an order that was given ahead has been taken back."""
        if self._poll.poll(0):
            self._read()
        return any(isinstance(one, Withdraw) for one in self._waiting)

    def _read(self) -> bool:
        """Wait for an order; return False if none can come."""
        while True:
            try:
                data = read(self._fd, 65536)
            except OSError:
                return False
            if not data:
                return False
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                fields = loads(line)
                self._waiting.append(_CLASSES[fields.pop("order")](**fields))
            if lines:
                return True
