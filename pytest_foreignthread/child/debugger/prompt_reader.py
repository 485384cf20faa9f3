"""Reads the lines that the user types at a debugger's prompt, on the main thread if that thread only waits."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, Final

from ..callback import is_main_thread

Asked = Future[tuple[str, Future[str]]]
"""Done when a thread has asked for a line; the result is the prompt and the future of the line."""
_ENDLESS: Final = math.inf
_SOON: Final = 0.05
"""Seconds in which the body of most tests ends."""


class LineReader:
    """Reads lines on the main thread for other threads.

    ^C raises KeyboardInterrupt only on the main thread. There it ends the reading, as it does without a fork.
    """

    def __init__(self, read: Callable[[str], str], interrupt: Callable[[], bool]) -> None:
        """`interrupt` handles a ^C outside of a reading; it returns False if no thread debugs."""
        self._read = read
        self._interrupt = interrupt
        self._turn = threading.Lock()
        self._change = threading.Condition()
        self._attends = False
        """Whether the main thread only waits, and so will answer a request."""
        self._asked: Asked | None = None
        """The future that takes the next request; None while the main thread takes none."""

    def read(self, prompt: str) -> str:
        """Return the user's line. Raise EOFError or KeyboardInterrupt as `input` does on the main thread."""
        with self._turn:
            answer = self._asked_of_main_thread(prompt)
            if answer is not None:
                with contextlib.suppress(CancelledError):
                    return answer.result()
            return self._read(prompt)

    def _asked_of_main_thread(self, prompt: str) -> Future[str] | None:
        with self._change:
            self._change.wait_for(lambda: self._asked is not None or not self._attends)
            if self._asked is None:
                return None
            answer: Future[str] = Future()
            self._asked.set_result((prompt, answer))
            return answer

    @contextlib.contextmanager
    def attended(self) -> Iterator[None]:
        """While the block runs, the main thread does nothing but call `wait`; on another thread this has no effect."""
        if not is_main_thread():
            yield
            return
        self._attends = True
        try:
            yield
        finally:
            self._attends = False
            with self._change:
                self._change.notify_all()

    def wait(self, future: Future[Any], seconds: float = _ENDLESS) -> bool:
        """Wait for the future for at most `seconds`; return whether it is done. The main thread reads lines meanwhile.

        Raise KeyboardInterrupt if no debugger takes a ^C.
        """
        # Most futures are done soon, and to wait for one future costs less than to wait for two.
        first = min(seconds, _SOON)
        while True:
            try:
                return is_done(future, first) or self._wait_and_read(future, seconds - first)
            except KeyboardInterrupt:
                if not (is_main_thread() and self._interrupt()):
                    raise

    def _wait_and_read(self, future: Future[Any], seconds: float) -> bool:
        limit = None if seconds == _ENDLESS else seconds
        if not is_main_thread():
            return is_done(future, limit)
        while True:
            with self._offered() as asked:
                done = wait([future, asked], limit, return_when=FIRST_COMPLETED).done
                if asked not in done:
                    return bool(done)
                self._answer(*asked.result())

    @contextlib.contextmanager
    def _offered(self) -> Iterator[Asked]:
        asked: Asked = Future()
        with self._change:
            self._asked = asked
            self._change.notify_all()
        try:
            yield asked
        finally:
            with self._change:
                self._asked = None
            if asked.done():
                # The main thread does not read any more. Cancelled, the request makes the other thread read by itself.
                asked.result()[1].cancel()

    def _answer(self, prompt: str, answer: Future[str]) -> None:
        try:
            answer.set_result(self._read(prompt))
        # EOFError, KeyboardInterrupt and every other error of the reading belong to the thread that asked.
        except BaseException as error:
            answer.set_exception(error)


def is_done(future: Future[Any], seconds: float | None = None) -> bool:
    """Wait for the future; return whether it is done after `seconds`, None for no limit.

    `concurrent.futures.wait` would create a lock and an event at each call.
    """
    try:
        future.exception(seconds)
    except FutureTimeoutError:
        return False
    except CancelledError:
        pass
    return True


def line_from_descriptor(prompt: str, descriptor: int) -> str:
    """Return the next line of a descriptor that is no terminal. Raise EOFError at its end.

    No byte more is read, because later children read on from there.
    """
    sys.stdout.write(prompt)
    sys.stdout.flush()
    data = bytearray()
    while byte := os.read(descriptor, 1):
        if byte == b"\n":
            break
        data += byte
    if not (data or byte):
        raise EOFError
    return data.decode(sys.stdin.encoding, "surrogateescape")
