"""Workers of xdist that a forked run forks before it begins, which cost a fifth of those of a new interpreter each.

execnet starts `python -u -c 'import sys;exec(eval(sys.stdin.readline()))'` for a worker. A process that was forked
before pytest did anything does the same once it has the directory and the environment that such an interpreter had got.
"""

from __future__ import annotations

import builtins
import importlib
import io
import json
import os
import re
import signal
import sys
import types
from collections.abc import Sequence
from typing import Any, Final

_NUMBER: Final = re.compile(r"-n([0-9]+)")


def fork_workers(arguments: Sequence[str]) -> None:
    """Fork as many workers as the arguments of a run ask for, and have execnet take those for its first ones."""
    numbers = [int(found[1]) for found in map(_NUMBER.fullmatch, arguments) if found]
    if not numbers:
        return
    gateway_io: Any = importlib.import_module("execnet.gateway_io")
    workers: list[ForkedWorker] = []
    for _ in range(numbers[-1]):
        workers.append(ForkedWorker(workers))

    class Master(gateway_io.Popen2IOMaster):  # type: ignore[misc]
        def __init__(self, args: Any, execmodel: Any) -> None:
            if not workers:
                super().__init__(args, execmodel)
                return
            self.popen = worker = workers.pop(0)
            worker.begin()
            gateway_io.Popen2IO.__init__(self, worker.stdin, worker.stdout, execmodel=execmodel)

    gateway_io.Popen2IOMaster = Master


class ForkedWorker:
    """A worker's process, with as much of `subprocess.Popen` as execnet uses."""

    def __init__(self, others: Sequence[ForkedWorker]) -> None:
        its_stdin, stdin = os.pipe()
        stdout, its_stdout = os.pipe()
        self.stdin: io.BufferedWriter = os.fdopen(stdin, "wb")
        self.stdout: io.BufferedReader = os.fdopen(stdout, "rb")
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            for worker in (*others, self):
                worker.stdin.close()
                worker.stdout.close()
            for standard, end in enumerate((its_stdin, its_stdout)):
                os.dup2(end, standard)
                os.close(end)
            become_worker()
        os.close(its_stdin)
        os.close(its_stdout)

    def begin(self) -> None:
        self.stdin.write(json.dumps([os.getcwd(), dict(os.environ)]).encode() + b"\n")
        self.stdin.flush()

    def wait(self) -> int:
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode

    def kill(self) -> None:
        if self.returncode is None:
            os.kill(self.pid, signal.SIGKILL)


def become_worker() -> None:
    """Do what the interpreter of a worker does, and leave as it does; leave at once if the run starts no worker."""
    start = sys.stdin.readline()
    if not start:
        os._exit(0)
    folder, environment = json.loads(start)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    # As `python -u` has them.
    for stream in (sys.stdout, sys.stderr):
        assert isinstance(stream, io.TextIOWrapper)
        stream.reconfigure(line_buffering=False, write_through=True)
    sys.path[0] = ""
    sys.argv = ["-c"]
    main = types.ModuleType("__main__")
    main.__builtins__ = builtins  # type: ignore[attr-defined]
    sys.modules["__main__"] = main
    exec(eval(sys.stdin.readline()), main.__dict__)
    sys.exit()
