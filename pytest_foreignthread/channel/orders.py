"""Orders from the pytest process to a child: each is a line of JSON.

Only the pytest process has the writing end of the pipe, so a child trusts its orders.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from json import dumps, loads
from os import read
from typing import Any, Final

from .descriptor import Descriptor


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
    reports_leftovers: bool = False
    """Whether the child must say what the test has left in its process."""
    round: Mapping[str, Any] | None = None
    """The schedule of a round of a stressed test; None for a test that is not stressed."""


@dataclass(frozen=True)
class End:
    """The order to tear down all fixtures that are still set up, and to end."""

    item: int | str | None = None
    """The item to which pytest attributes this teardown; None for the item that the child has served last."""


Order = RunTest | End

_CLASSES: Final[Mapping[str, type[Order]]] = {cls.__name__: cls for cls in (RunTest, End)}


def encode_order(order: Order) -> bytes:
    return dumps({"order": type(order).__name__, **vars(order)}).encode() + b"\n"


class Orders:
    """The child's end of the pipe of orders."""

    def __init__(self, fd: int) -> None:
        self._descriptor = Descriptor(fd)

    def fileno(self) -> int:
        return self._descriptor.number

    @property
    def stands(self) -> bool:
        """Whether an order can still come through the pipe."""
        return self._descriptor.stands

    def __iter__(self) -> Iterator[Order]:
        """Yield each order when it comes; end if the pytest process has gone or a test has closed the descriptor.

        A file that a test has opened under the number of the descriptor has no orders, and may never end.
        """
        rest = b""
        while data := self._read():
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                fields = loads(line)
                yield _CLASSES[fields.pop("order")](**fields)

    def _read(self) -> bytes:
        while self.stands:
            try:
                return read(self._descriptor.number, 4096)
            except BlockingIOError:
                self._descriptor.set_blocking()
            except OSError:
                break
        return b""
