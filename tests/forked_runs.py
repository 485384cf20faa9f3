"""Runs of pytest that a server forks, which cost a third of those of a new interpreter each."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import select
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

SERVER: Final = Path(__file__).with_name("fork_server.py")
OWN_INTERPRETERS: Final = "FOREIGN_THREAD_TESTS_OWN_INTERPRETERS"
"""A variable in whose presence no run is forked."""
_READ_AT_START: Final = ("PYTHON", "LD_", "GLIBC_", "MALLOC_")
"""How the names start of those variables that an interpreter, or its C library, reads once: as it starts."""
_OF_THE_LOCALE: Final = ("LC_", "LANG")
"""Others: there is a server for each value of theirs."""
_MAX_ANSWER: Final = 64
_AFTER_A_KILL: Final = 300.0


def is_for_server(environment: Mapping[str, str]) -> bool:
    """Return whether a run with this environment is the same in a fork of the server as in a new interpreter.

    pytest rewrites the modules of each plugin that it finds by itself, which have to be new to it.
    """
    if OWN_INTERPRETERS in os.environ or not environment.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
        return False
    return _read_at_start(environment) == _read_at_start(os.environ)


def _read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_READ_AT_START)}


class ForkedRun:
    """A run's process, with as much of `subprocess.Popen` as tests use."""

    def __init__(self, reply: socket.socket) -> None:
        """Wait for the process id; raise ConnectionError if the server ends before it tells one."""
        self._reply = reply
        self.pid = self._answer()
        self._status: int | None = None

    def kill(self) -> None:
        if self._status is None:
            # The server keeps its process id until this end of the socket is closed.
            os.kill(self.pid, signal.SIGKILL)

    def wait(self, timeout: float) -> int:
        """Return the exit status, minus a signal's number if one ended it; raise TimeoutExpired."""
        if self._status is None:
            if not select.select([self._reply], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("pytest", timeout)
            self._status = self._answer()
            self._reply.shutdown(socket.SHUT_WR)
            self._reply.recv(_MAX_ANSWER)
            self._reply.close()
        return self._status

    def _answer(self) -> int:
        answer = self._reply.recv(_MAX_ANSWER)
        if not answer:
            raise ConnectionError("the process that forks runs of pytest ended")
        return int(answer)


class ForkServer:
    """The server's process, which ends when its socket is closed."""

    def __init__(self, python: str, environment: Mapping[str, str]) -> None:
        self._orders, others = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with others:
            # Its sys.stdout, which a fork takes over, must be buffered as that of a pipe is.
            self._process = subprocess.Popen(
                [python, str(SERVER), str(others.fileno())],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[others.fileno()],
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def close(self) -> None:
        self._orders.close()
        self._process.wait()

    def start(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        streams: Sequence[int],
        *,
        at_terminal: bool = False,
    ) -> ForkedRun:
        """Start `python -m pytest` with these descriptors as its stdin, stdout and stderr."""
        order = {
            "folder": str(folder),
            "arguments": arguments,
            "environment": dict(environment),
            "at_terminal": at_terminal,
        }
        mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            socket.send_fds(self._orders, [json.dumps(order).encode()], [*streams, its.fileno()])
        return ForkedRun(mine)

    def run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Return what `subprocess.run` returns for `python -m pytest` with these arguments; raise TimeoutExpired."""
        until = time.monotonic() + timeout
        with contextlib.ExitStack() as its_ends, contextlib.ExitStack() as ends:
            nothing = os.open(os.devnull, os.O_RDONLY)
            (stdout, its_stdout), (stderr, its_stderr) = os.pipe(), os.pipe()
            for end in (stdout, stderr):
                ends.callback(os.close, end)
            for end in (nothing, its_stdout, its_stderr):
                its_ends.callback(os.close, end)
            run = self.start(arguments, folder, environment, (nothing, its_stdout, its_stderr))
            its_ends.close()
            try:
                written = _read_both(stdout, stderr, until)
                status = run.wait(max(0.0, until - time.monotonic()))
            except (TimeoutError, subprocess.TimeoutExpired):
                run.kill()
                run.wait(_AFTER_A_KILL)
                raise subprocess.TimeoutExpired(list(arguments), timeout) from None
        return subprocess.CompletedProcess(list(arguments), status, *map(_text, written))


def _read_both(stdout: int, stderr: int, until: float) -> tuple[bytes, bytes]:
    """Return what comes until both are closed; raise TimeoutError."""
    written = {stdout: bytearray(), stderr: bytearray()}
    with selectors.DefaultSelector() as selector:
        for descriptor in written:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0, until - time.monotonic()))
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                if chunk := os.read(key.fd, 1 << 16):
                    written[key.fd] += chunk
                else:
                    selector.unregister(key.fd)
    return bytes(written[stdout]), bytes(written[stderr])


def _text(written: bytes) -> str:
    # As `text=True` does with line ends.
    return written.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")


@functools.cache
def servers() -> dict[tuple[str, ...], ForkServer]:
    """The servers of this process: `close_servers` has to be called before it ends."""
    return {}


@contextlib.contextmanager
def _server(python: str, environment: Mapping[str, str]) -> Iterator[ForkServer]:
    """The server of that interpreter and these variables of the locale, which is started if there is none."""
    key = (python, *(f"{name}={value}" for name, value in environment.items() if name.startswith(_OF_THE_LOCALE)))
    if key not in servers():
        servers()[key] = ForkServer(python, environment)
    try:
        yield servers()[key]
    except (ConnectionError, BrokenPipeError):
        servers().pop(key).close()
        raise


def run_python(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run a command of that interpreter, without an input; raise TimeoutExpired.

    `PYTHON -m pytest` is run by a fork of that interpreter's server, if that is the same.
    """
    python, *arguments = command
    if arguments[:2] == ["-m", "pytest"] and is_for_server(environment):
        with _server(python, environment) as server:
            return server.run(arguments[2:], folder, environment, timeout)
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
    )


def start_at_terminal(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], terminal: int
) -> ForkedRun | None:
    """Start a command in a session whose controlling terminal is this one, or return None if no server can fork it."""
    python, *arguments = command
    if arguments[:2] != ["-m", "pytest"] or not is_for_server(environment):
        return None
    with _server(python, environment) as server:
        return server.start(arguments[2:], folder, environment, [terminal] * 3, at_terminal=True)


def close_servers() -> None:
    while servers():
        servers().popitem()[1].close()
