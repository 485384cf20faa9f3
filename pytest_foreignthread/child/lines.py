"""Lines that the user types at a debugger's prompt, read on the main thread where that has nothing else to do."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from typing import Any

from .callback import is_main_thread

Asked = Future[tuple[str, Future[str]]]
"""Done when a prompt has been asked for; the inner one takes the line."""


class LineReader:
    """^C raises KeyboardInterrupt on the main thread alone: there it ends the reading, as it does without a fork."""

    def __init__(self, read: Callable[[str], str], interrupt: Callable[[], bool]) -> None:
        """`interrupt` passes on a ^C that came while no line was read; False where nobody is there to take it."""
        self._read = read
        self._interrupt = interrupt
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._asked: Asked | None = None
        """There while the main thread waits."""

    def read(self, prompt: str) -> str:
        """Give the user's line; raise EOFError or KeyboardInterrupt as `input` does on the main thread."""
        with self._turn:
            answer = self._asked_of_main_thread(prompt)
            if answer is not None:
                with contextlib.suppress(CancelledError):
                    return answer.result()
            return self._read(prompt)

    def _asked_of_main_thread(self, prompt: str) -> Future[str] | None:
        with self._lock:
            if self._asked is None:
                return None
            answer: Future[str] = Future()
            self._asked.set_result((prompt, answer))
            return answer

    def wait(self, future: Future[Any], seconds: float | None = None) -> bool:
        """Wait for the future, or so long; on the main thread read lines for the others meanwhile. Whether it is done.

        Raise KeyboardInterrupt when it came and no debugger was there to take it.
        """
        if not is_main_thread():
            return bool(wait([future], seconds).done)
        while True:
            with self._offered() as asked:
                try:
                    done = wait([future, asked], seconds, return_when=FIRST_COMPLETED).done
                except KeyboardInterrupt:
                    if not self._interrupt():
                        raise
                    continue
                if asked not in done:
                    return bool(done)
                self._answer(*asked.result())

    @contextlib.contextmanager
    def _offered(self) -> Iterator[Asked]:
        asked: Asked = Future()
        with self._lock:
            self._asked = asked
        try:
            yield asked
        finally:
            with self._lock:
                self._asked = None
            if asked.done():
                # Nobody reads for it any more: whoever asked has to read by itself.
                asked.result()[1].cancel()

    def _answer(self, prompt: str, answer: Future[str]) -> None:
        try:
            answer.set_result(self._read(prompt))
        # EOFError, KeyboardInterrupt and whatever else reading raises belong to the thread that asked.
        except BaseException as error:
            answer.set_exception(error)


def line_from_descriptor(prompt: str, descriptor: int) -> str:
    """Give the next line of what is no terminal, and read no byte more: the children to come read on from there."""
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
