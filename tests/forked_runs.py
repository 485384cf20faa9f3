"""Runs of pytest that a server forks, which cost a third of those of a new interpreter each."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from .fork_server import MAX_ORDER

SERVER: Final = Path(__file__).with_name("fork_server.py")
OWN_INTERPRETERS: Final = "FOREIGN_THREAD_TESTS_OWN_INTERPRETERS"
"""A variable in whose presence no run is forked."""
_READ_AT_START: Final = ("PYTHON", "LC_", "LANG", "LD_", "GLIBC_", "MALLOC_")
"""How the names start of those variables that an interpreter, or its C library, reads once: as it starts."""


def is_for_server(environment: Mapping[str, str]) -> bool:
    """Return whether a run with this environment is the same in a fork of the server as in a new interpreter.

    pytest rewrites the modules of each plugin that it finds by itself, which have to be new to it.
    """
    if OWN_INTERPRETERS in os.environ or not environment.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
        return False
    return _read_at_start(environment) == _read_at_start(os.environ)


def _read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_READ_AT_START)}


class ForkServer:
    """The server's process, which ends when its socket is closed."""

    def __init__(self, python: str) -> None:
        self._orders, others = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with others:
            command = [python, str(SERVER), str(others.fileno())]
            # Its sys.stdout, which a fork takes over, must be buffered as that of a pipe is.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=[others.fileno()]
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def close(self) -> None:
        self._orders.close()
        self._process.wait()

    def run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Return what `subprocess.run` returns for `python -m pytest` with these arguments; raise TimeoutExpired."""
        order = json.dumps({"folder": str(folder), "arguments": arguments, "environment": dict(environment)}).encode()
        stdout, its_stdout = os.pipe()
        stderr, its_stderr = os.pipe()
        try:
            socket.send_fds(self._orders, [order], [its_stdout, its_stderr])
        finally:
            os.close(its_stdout)
            os.close(its_stderr)
        with os.fdopen(stdout, "rb", 0) as out, os.fdopen(stderr, "rb", 0) as err:
            run = self._answer()
            try:
                written = _read_both(out.fileno(), err.fileno(), time.monotonic() + timeout)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(run, signal.SIGKILL)
                self._answer()
                raise subprocess.TimeoutExpired(list(arguments), timeout) from None
        return subprocess.CompletedProcess(list(arguments), self._answer(), *map(_text, written))

    def _answer(self) -> int:
        answer = self._orders.recv(MAX_ORDER)
        if not answer:
            raise ConnectionError(f"the process that forks runs of pytest ended, with status {self._process.wait()}")
        return int(answer)


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
def servers() -> dict[str, ForkServer]:
    """The servers of this process by their interpreter: `close_servers` has to be called before it ends."""
    return {}


def run_pytest(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run a command that starts with `PYTHON -m pytest`; raise TimeoutExpired.

    It runs in a fork of that interpreter's server where that is the same, else in an interpreter of its own.
    """
    python, _, _, *arguments = command
    if not is_for_server(environment):
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
    if python not in servers():
        servers()[python] = ForkServer(python)
    try:
        return servers()[python].run(arguments, folder, environment, timeout)
    except ConnectionError:
        servers().pop(python).close()
        raise


def close_servers() -> None:
    while servers():
        servers().popitem()[1].close()
