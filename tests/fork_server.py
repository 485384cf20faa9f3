"""A process that has imported pytest and this plugin, and forks a run of pytest from itself for each order.

Started as a script by `forked_runs.py`. An order carries a working directory, arguments, an environment, and four
descriptors: stdin, stdout, stderr, and a socket on which the process id comes back and, later, the exit status. A fork
does what `python -m pytest` does once its modules are imported: before the fork no plugin is registered, no option is
read, and no thread is started. The main module of the fork is pytest's, and the process ends with it, exit handlers and
all.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import gc
import importlib
import importlib.metadata
import io
import json
import os
import pkgutil
import runpy
import select
import socket
import sys
import termios
import threading
import time
from pathlib import Path
from typing import Any, Final

MAX_ORDER: Final = 1 << 20
"""Bytes."""
_OF_OTHERS: Final = ("pdb", "unittest", "xml.etree.ElementTree", "xml.sax.saxutils")


def import_modules() -> None:
    """Import what a run with this plugin imports; what cannot be imported is left for the run to meet."""
    import pytest  # noqa: F401
    from _pytest import config

    import pytest_foreignthread

    ours = pkgutil.walk_packages(pytest_foreignthread.__path__, "pytest_foreignthread.")
    names = [*_OF_OTHERS, *(f"_pytest.{name}" for name in config.default_plugins), *(module.name for module in ours)]
    # No run imports JPype before it needs a JVM; JPype imports numpy, whose BLAS starts a thread.
    sys.modules["jpype"] = None  # type: ignore[assignment]
    for name in names:
        # pytest warns where a plugin is imported that it would rewrite: `-p` names ours so.
        if not name.endswith("__main__") and name != "pytest_foreignthread.plugin":
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
    del sys.modules["jpype"]
    if len(os.listdir("/proc/self/task")) != 1:
        sys.exit("expected one thread in the process that forks runs, got more: a module starts one when imported")


def remember_entry_points() -> None:
    """Read once what each installed distribution declares: pytest reads all of that for each `-p` of a run.

    What is installed where this process has not looked is read by the run.
    """
    read: Any = importlib.metadata.PathDistribution.entry_points
    known = {str(one._path): one.entry_points for one in importlib.metadata.distributions() if hasattr(one, "_path")}

    def entry_points(one: Any) -> Any:
        found = known.get(str(one._path))
        return read.fget(one) if found is None else found

    importlib.metadata.PathDistribution.entry_points = property(entry_points)  # type: ignore[assignment]


def serve(orders: socket.socket) -> list[str]:
    """Fork a run for each order until the other end closes; return, in each fork only, the arguments of pytest."""
    running: dict[int, tuple[int, socket.socket]] = {}
    """Process id and socket by the descriptor of the process."""
    ended: dict[int, tuple[int, socket.socket]] = {}
    """The same by the descriptor of the socket. Until its other end is closed, the process id is no other process's."""
    while True:
        ready, _, _ = select.select([orders.fileno(), *running, *ended], [], [])
        for descriptor in ended.keys() & set(ready):
            run, reported = ended.pop(descriptor)
            os.waitpid(run, 0)
            reported.close()
        for descriptor in running.keys() & set(ready):
            run, reported = running.pop(descriptor)
            os.close(descriptor)
            end = os.waitid(os.P_PID, run, os.WEXITED | os.WNOWAIT)
            assert end is not None
            with contextlib.suppress(BrokenPipeError):
                reported.send(str(end.si_status if end.si_code == os.CLD_EXITED else -end.si_status).encode())
            ended[reported.fileno()] = run, reported
        if orders.fileno() not in ready:
            continue
        order, descriptors, _, _ = socket.recv_fds(orders, MAX_ORDER, 4)
        if not order:
            sys.exit()
        *streams, last = descriptors
        reported = socket.socket(fileno=last)
        run = os.fork()
        if run == 0:
            for one in (orders, reported, *(its for _, its in (*running.values(), *ended.values()))):
                one.close()
            for descriptor in running:
                os.close(descriptor)
            return become_run(json.loads(order), streams)
        for descriptor in streams:
            os.close(descriptor)
        running[os.pidfd_open(run)] = run, reported
        with contextlib.suppress(BrokenPipeError):
            reported.send(str(run).encode())


def become_run(order: dict[str, object], streams: list[int]) -> list[str]:
    """Make this process what a new interpreter would be; return the arguments of pytest."""
    for standard, descriptor in enumerate(streams):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    match order:
        case {"folder": str(folder), "arguments": list(arguments), "environment": dict(environment)}:
            os.chdir(folder)
            os.environ.clear()
            os.environ.update(environment)
            time.tzset()
            sys.path[0] = folder
        case _:
            raise TypeError(f"expected folder, arguments and environment in an order, got {order}")
    if order.get("at_terminal"):
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        for stream in (sys.stdin, sys.stdout):
            assert isinstance(stream, io.TextIOWrapper)
            stream.reconfigure(line_buffering=True)
    return arguments


def leave(status: object) -> None:
    """End this process as its interpreter would; return if the interpreter has more to do than to free its memory.

    To free it costs as much as a run of one test: the memory is shared with the server, and is copied to be freed.
    """
    # It waits for threads of Python's, and threads of a JVM go on while it ends. execnet's are neither.
    alone = threading.active_count() == 1 and "/libjvm.so" not in Path("/proc/self/maps").read_text()
    if alone and (status is None or isinstance(status, int)):
        atexit._run_exitfuncs()
        with contextlib.suppress(Exception):  # The interpreter tells of it, and ends with a status of its own.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status or 0)


if __name__ == "__main__":
    # The folder of this file, where a new interpreter has the working directory.
    sys.path[0] = str(Path(__file__).parents[1])
    from tests.forked_workers import fork_workers

    # A suite may have a package of that name.
    del sys.modules["tests.forked_workers"], sys.modules["tests"]
    import_modules()
    remember_entry_points()
    gc.collect()
    gc.freeze()
    sys.argv[1:] = serve(socket.socket(fileno=int(sys.argv[1])))
    try:
        fork_workers(sys.argv[1:])
        runpy._run_module_as_main("pytest")  # type: ignore[attr-defined]
    except SystemExit as end:
        leave(end.code)
        raise
