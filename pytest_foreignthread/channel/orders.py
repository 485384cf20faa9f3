"""Orders from parent to child: bytes ↔ data, a line of JSON each."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from json import dumps, loads
from os import read
from typing import Final


@dataclass(frozen=True)
class RunTest:
    """The word to run a test.

    A fork has copied the list of the run, so there items are named by their place; elsewhere by their node id.
    """

    item: int | str
    next_item: int | str | None = None
    """The one that pytest runs next; it tells which fixtures stay."""
    last: bool = True
    """Whether the child has to tear down everything, and to end, after this test."""
    looks: bool = False
    """Whether the child has to say what the test has left in its process."""


@dataclass(frozen=True)
class End:
    """The word to tear down what stands, and to end."""


Order = RunTest | End

_CLASSES: Final[Mapping[str, type[Order]]] = {cls.__name__: cls for cls in (RunTest, End)}


def encode_order(order: Order) -> bytes:
    return dumps({"order": type(order).__name__, **dataclasses.asdict(order)}).encode() + b"\n"


class Orders:
    """The child's end of the pipe."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        return self._fd

    def __iter__(self) -> Iterator[Order]:
        """Yield each order as it comes; end where no more can come: the parent has gone, or a test closed the pipe."""
        rest = b""
        while data := self._read():
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                fields = loads(line)
                yield _CLASSES[fields.pop("order")](**fields)

    def _read(self) -> bytes:
        try:
            return read(self._fd, 4096)
        except OSError:
            return b""
