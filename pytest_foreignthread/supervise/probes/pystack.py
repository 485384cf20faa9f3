"""pystack in a process that has imported it: the start of a Python and the import take as long as a look.

It is started by the first who wants a look, and forks for each.
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
# Neither may outlive the pytest process, which may be killed at any time: 1 is PR_SET_PDEATHSIG, 9 is SIGKILL.
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
    """Close it where ordinary tests may count, or wait for, the children of the pytest process; it can be used again.

    One run of pytest has one.
    """

    def __init__(self, ends: OpenEnds) -> None:
        self._ends = ends
        self._process: subprocess.Popen[bytes] | None = None
        self._opened: list[int] = []
        """Where requests are written, and answers read."""

    def run(self, arguments: list[str], give_up: float) -> tuple[int, str, str]:
        """Return exit code, output and errors. Raise TimeoutExpired at `give_up` on the monotonic clock, or OSError."""
        with SignalsHeld() as held:
            answered = False
            try:
                self._start()
                answer = held.let_through(lambda: self._ask(arguments, give_up))
                answered = True
            finally:
                if not answered:
                    self.close()
        code, output, errors = answer
        return int(code), str(output), str(errors)

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        with self._ends.lock, contextlib.ExitStack() as theirs:
            requests, answers = self._pipe(theirs, own=1), self._pipe(theirs, own=0)
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM],
                stdin=requests,
                stdout=answers,
                stderr=subprocess.DEVNULL,
                # Elsewhere than in the user's directory, which Python would put first on pystack's own path.
                cwd="/",
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
        """Nothing is left of it; may be called again."""
        while self._opened:
            self._ends.close(self._opened.pop())
        if self._process is not None:
            if self._process.poll() is None:
                processes.kill_group(self._process.pid, signal.SIGKILL)
                self._process.wait()
            self._process = None
