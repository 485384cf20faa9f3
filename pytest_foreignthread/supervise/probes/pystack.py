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
from typing import Any, Final

from ..process import processes
from ..process.fork import OpenEnds
from ..process.signals import SignalsHeld

_CHUNK: Final = 1 << 20
# prctl(1, 9) is PR_SET_PDEATHSIG with SIGKILL: neither the helper nor its fork may outlive a pytest process that is
# killed.
_PROGRAM: Final = """
import ctypes, json, os, runpy, sys, tempfile, traceback
prctl, helper, answers = ctypes.CDLL(None).prctl, os.getpid(), os.fdopen(os.dup(1), "w")
prctl(1, 9)
try:
    import argparse, logging, pystack.engine, pystack.process, pystack.traceback_formatter
except Exception:
    pass
def look(arguments):
    prctl(1, 9)
    sys.argv = ["pystack", *arguments]
    try:
        if os.getppid() == helper:
            runpy.run_module("pystack", run_name="__main__", alter_sys=False)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
for line in sys.stdin:
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        looking = os.fork()
        if looking == 0:
            os.dup2(output.fileno(), 1)
            os.dup2(errors.fileno(), 2)
            look(json.loads(line))
        code = os.waitstatus_to_exitcode(os.waitpid(looking, 0)[1])
        texts = [file.seek(0) or file.read().decode("utf-8", "replace") for file in (output, errors)]
    print(json.dumps([code, *texts]), file=answers, flush=True)
"""


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
                [sys.executable, "-c", _PROGRAM],
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
