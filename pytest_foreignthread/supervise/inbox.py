"""The reading end of a child's pipe of messages."""

from __future__ import annotations

import fcntl
import os
import struct
import termios
from collections import deque
from collections.abc import Iterator

from ..channel.wire import Decoder
from ..model.choices import MESSAGE_LIMIT
from ..model.observation import Message

# The capacity of a pipe on Linux: one read empties it.
_CHUNK = 65536


class Inbox:
    """The reading end of a child's pipe, and the messages that were read and not yet taken.

    An inbox lives as long as its child, a watch as long as one test: messages that arrive early wait here.
    """

    def __init__(self, descriptor: int, limit: int = MESSAGE_LIMIT) -> None:
        """`limit` is the number of bytes that the messages of one test may take, about."""
        self._descriptor = descriptor
        self._decoder = Decoder(limit)
        self.limit = limit
        self._waiting: deque[Message] = deque()

    def begin(self) -> None:
        """Start to count the bytes of the next test."""
        self._decoder.begin()

    @property
    def exceeded(self) -> bool:
        """Whether the messages of this test take more bytes than the limit."""
        return self._decoder.exceeded

    @property
    def foreign_lines(self) -> int:
        """The number of lines of this test that are no message."""
        return self._decoder.foreign_lines

    @property
    def torn(self) -> int:
        """The number of bytes of a last message that is incomplete."""
        return self._decoder.torn

    def read(self, size: int = _CHUNK) -> int | None:
        """Return the number of bytes read, at most `size`; 0 at the end of the stream, None if nothing is there now."""
        try:
            data = os.read(self._descriptor, size)
        except BlockingIOError:
            return None
        self._waiting += self._decoder.feed(data)
        return len(data)

    def drain(self) -> None:
        """Read the bytes that are in the pipe now, and no more.

        Reading until the end of the stream might never return: a process that outlives the child may keep writing, or
        keep the pipe open.
        """
        # FIONREAD returns the number of bytes in the pipe.
        left: int = struct.unpack("i", fcntl.ioctl(self._descriptor, termios.FIONREAD, bytes(4)))[0]
        while left > 0 and (size := self.read(min(left, _CHUNK))):
            left -= size

    @property
    def waiting(self) -> tuple[Message, ...]:
        """The messages that were read and not yet taken."""
        return tuple(self._waiting)

    def take(self) -> Iterator[Message]:
        while self._waiting:
            yield self._waiting.popleft()
