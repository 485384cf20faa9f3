"""What a child has written, message by message."""

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

_CHUNK = 65536


class Inbox:
    """The reading end of a child's pipe. What was read and not taken waits for the next who asks."""

    def __init__(self, descriptor: int, limit: int = MESSAGE_LIMIT) -> None:
        """`limit` is the bytes that the messages of one test may take, about."""
        self._descriptor = descriptor
        self._decoder = Decoder(limit)
        self.limit = limit
        self._waiting: deque[Message] = deque()

    def begin(self) -> None:
        """Count the bytes of the next test."""
        self._decoder.begin()

    @property
    def exceeded(self) -> bool:
        """Whether more came than the limit allows."""
        return self._decoder.exceeded

    @property
    def foreign_lines(self) -> int:
        """Lines of this test that are no message."""
        return self._decoder.foreign_lines

    @property
    def torn(self) -> int:
        """Bytes of a last message that has not come whole."""
        return self._decoder.torn

    def read(self, size: int = _CHUNK) -> int | None:
        """Bytes read; 0 at the end of the stream, None when nothing is there now."""
        try:
            data = os.read(self._descriptor, size)
        except BlockingIOError:
            return None
        self._waiting += self._decoder.feed(data)
        return len(data)

    def drain(self) -> None:
        """Read what is in the pipe now. Processes that outlive the child may write on, or hold it open for ever."""
        left: int = struct.unpack("i", fcntl.ioctl(self._descriptor, termios.FIONREAD, bytes(4)))[0]
        while left > 0 and (size := self.read(min(left, _CHUNK))):
            left -= size

    @property
    def waiting(self) -> tuple[Message, ...]:
        """What was read and not taken."""
        return tuple(self._waiting)

    def take(self) -> Iterator[Message]:
        while self._waiting:
            yield self._waiting.popleft()
