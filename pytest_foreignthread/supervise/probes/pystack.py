"""A helper process that has imported pystack, because starting Python and the import take as long as a look.

The first look starts the helper, and the helper forks for each look.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from ..process import processes
from ..process.fork import OpenEnds
from ..process.signals import SignalsHeld

_CHUNK: Final = 1 << 20
# A script's directory comes first on the path of its modules; this one has a `pystack.py`.
_START: Final = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='__main__')"
_HELPER: Final = Path(__file__).with_name("pystack_helper.py")


class Pystack:
    """The helper process of one run of pytest.

    Call `close` before code of the user's runs in the pytest process: an ordinary test may count, or wait for, the
    children of its process. The next `run` starts the helper again.
    """

    def __init__(self, ends: OpenEnds) -> None:
        self._ends = ends
        self._process: subprocess.Popen[bytes] | None = None
        self._opened: list[int] = []
        """The descriptors to which requests are written and from which answers are read, in this order."""

    def run(self, arguments: list[str], give_up: float) -> tuple[int, str, str]:
        """Run pystack with `arguments`; return its exit code, stdout and stderr.

        Raise TimeoutExpired at `give_up` on the monotonic clock, OSError if the helper cannot be started or ends.
        """
        with SignalsHeld() as held:
            answered = False
            try:
                self._start()
                answer = held.let_through(lambda: self._ask(arguments, give_up))
                answered = True
            finally:
                # Without an answer the helper is still busy with this look, and would give its answer to the next one.
                if not answered:
                    self.close()
        code, output, errors = answer
        return int(code), str(output), str(errors)

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        # The lock: no other thread may fork a child before the new descriptors are registered in `ends`.
        with self._ends.lock, contextlib.ExitStack() as theirs:
            requests, answers = self._pipe(theirs, own=1), self._pipe(theirs, own=0)
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START, str(_HELPER)],
                stdin=requests,
                stdout=answers,
                stderr=subprocess.DEVNULL,
                # Python puts the current directory first on the path of a program that it is given by -c. In the user's
                # directory a file named like a module of the standard library would be imported in its place.
                cwd="/",
                # A session of its own: ^C at the terminal is for pytest, and `close` kills the group with its forks.
                start_new_session=True,
            )

    def _pipe(self, theirs: contextlib.ExitStack, own: int) -> int:
        pair = os.pipe()
        self._opened.append(pair[own])
        self._ends.add(pair[own])
        theirs.callback(os.close, pair[1 - own])
        return pair[1 - own]

    def _ask(self, arguments: list[str], give_up: float) -> list[Any]:
        requests, answers = self._opened
        os.write(requests, json.dumps(arguments).encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            seconds = give_up - time.monotonic()
            if seconds <= 0 or not processes.wait_readable(answers, seconds):
                raise subprocess.TimeoutExpired("pystack", max(0.0, seconds))
            piece = os.read(answers, _CHUNK)
            if not piece:
                raise BrokenPipeError("its process ended")
            answer += piece
        found: list[Any] = json.loads(answer)
        return found

    def close(self) -> None:
        """End and reap the helper, if it runs, and close the pipes; may be called again."""
        while self._opened:
            self._ends.close(self._opened.pop())
        if self._process is not None:
            if self._process.poll() is None:
                processes.kill_group(self._process.pid, signal.SIGKILL)
                self._process.wait()
            self._process = None
