"""A process that has imported pytest and this plugin, and forks a run of pytest from itself for each order.

Started as a script by `forked_runs.py`. An order carries a working directory, arguments, an environment, and the
descriptors of stdout and stderr. A fork does what `python -m pytest` does once its modules are imported: before the
fork no plugin is registered, no option is read, and no thread is started. The main module of the fork is pytest's, and
the interpreter ends with it, exit handlers and all.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import json
import os
import pkgutil
import runpy
import socket
import sys
import time
from pathlib import Path
from typing import Final

MAX_ORDER: Final = 1 << 20
"""Bytes."""
_OF_OTHERS: Final = ("jinja2", "pytest", "unittest", "xml.etree.ElementTree", "xml.sax.saxutils")


def import_modules() -> None:
    """Import what a run with this plugin imports; what cannot be imported is left for the run to meet."""
    import pytest  # noqa: F401
    from _pytest import config

    import pytest_foreignthread

    ours = pkgutil.walk_packages(pytest_foreignthread.__path__, "pytest_foreignthread.")
    names = [*_OF_OTHERS, *(f"_pytest.{name}" for name in config.default_plugins), *(module.name for module in ours)]
    # JPype imports numpy, whose BLAS starts a thread.
    if importlib.util.find_spec("numpy") is None:
        names.append("jpype")
    for name in names:
        if not name.endswith("__main__"):
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
    if len(os.listdir("/proc/self/task")) != 1:
        sys.exit("expected one thread in the process that forks runs, got more: a module starts one when imported")


def serve(orders: socket.socket) -> list[str]:
    """Fork a run for each order until the other end closes; return, in each fork only, the arguments of pytest."""
    while True:
        order, descriptors, _, _ = socket.recv_fds(orders, MAX_ORDER, 2)
        if not order:
            sys.exit()
        run = os.fork()
        if run == 0:
            orders.close()
            return become_run(json.loads(order), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        with contextlib.suppress(BrokenPipeError):
            orders.send(str(run).encode())
        _, status = os.waitpid(run, 0)
        with contextlib.suppress(BrokenPipeError):
            orders.send(str(os.waitstatus_to_exitcode(status)).encode())


def become_run(order: dict[str, object], stdout: int, stderr: int) -> list[str]:
    """Make this process what a new interpreter would be; return the arguments of pytest."""
    for descriptor, standard in ((stdout, 1), (stderr, 2)):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    match order:
        case {"folder": str(folder), "arguments": list(arguments), "environment": dict(environment)}:
            os.chdir(folder)
            os.environ.clear()
            os.environ.update(environment)
            time.tzset()
            sys.path[0] = folder
            return arguments
    raise TypeError(f"expected folder, arguments and environment in an order, got {order}")


if __name__ == "__main__":
    # The folder of this file, where a new interpreter has the working directory.
    sys.path[0] = str(Path(__file__).parents[1])
    import_modules()
    gc.collect()
    gc.freeze()
    sys.argv[1:] = serve(socket.socket(fileno=int(sys.argv[1])))
    runpy._run_module_as_main("pytest")  # type: ignore[attr-defined]
