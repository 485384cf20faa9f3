"""pytest-xdist: whether this process is a worker, what worker and controller exchange, and what a fork shares.

A worker is recognized by the attributes that xdist sets on its config. xdist's function `is_xdist_worker` checks the
same attribute, and can be imported only if xdist is installed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pytest

MODULES: Final = frozenset({"execnet"})
"""Top-level modules whose threads serve a worker."""
_WORKER: Final = "WorkerInteractor"
"""The class of a worker's plugin, which is registered without a name."""
_RUNNING: Final = "item_index"
"""The attribute of that plugin with the index of the item that runs."""
_EACH: Final = "foreign_thread_each"
_ENDS: Final = ("infile", "outfile", "sock")
"""execnet's names for the ends of the pipes.

These names and the attributes that lead to them are private. If they are missing, a fork keeps its copies open.
"""


def is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def is_controller(config: pytest.Config) -> bool:
    """Return whether workers run the tests of this process; xdist registers its session under this name."""
    return config.pluginmanager.hasplugin("dsession")


def worker_input(config: pytest.Config) -> dict[str, Any] | None:
    """Return what the controller has sent to this worker; None if this process is no worker."""
    return getattr(config, "workerinput", None)


def worker_output(config: pytest.Config) -> dict[str, Any] | None:
    """Return what this worker sends to its controller at its end; None if this process is no worker."""
    return getattr(config, "workeroutput", None)


def become_worker(config: Any, sent: Mapping[str, Any]) -> None:
    """Make a config look like a worker's, as xdist does it; the command line's arguments are the controller's."""
    config.workerinput, config.workeroutput = sent, {}


def worker_id(config: pytest.Config) -> str | None:
    """Return the id of this worker, for example "gw0"; None if this process is no worker."""
    return (worker_input(config) or {}).get("workerid")


def uid_of_run(config: pytest.Config) -> str | None:
    """Return the id that all workers of a run have in common; None if this process is no worker."""
    return (worker_input(config) or {}).get("testrunuid")


def controllers_arguments(config: pytest.Config) -> Sequence[str] | None:
    """Return the command line arguments of the controller; None if this process is no worker."""
    sent = worker_input(config)
    return None if sent is None else sent.get("mainargv", ())[1:]


def send_that_dist_is_each(node: Any) -> None:
    """Let a worker know, before it starts, whether each worker runs all tests: xdist does not tell workers `--dist`."""
    if node.config.getoption("dist", "no") == "each":
        send_to(node, _EACH, True)


def share_of_each(config: pytest.Config) -> tuple[int, int] | None:
    """Return this worker's number, from 1 on, and how many workers run all tests; None if workers share the tests.

    xdist names its workers gw0, gw1 and so on; one that replaces a worker that has died has a higher number.
    """
    sent = worker_input(config) or {}
    number, workers = str(sent.get("workerid", "")).removeprefix("gw"), sent.get("workercount")
    if not sent.get(_EACH) or not number.isdecimal() or not isinstance(workers, int) or workers < 1:
        return None
    return int(number) % workers + 1, workers


def left_by(node: Any) -> Mapping[str, Any]:
    """Return, in the controller, what a worker has sent at its end; empty for a worker that died."""
    return getattr(node, "workeroutput", {})


def send_to(node: Any, name: str, value: Any) -> None:
    """Add a value to what the controller is about to send to a worker."""
    node.workerinput[name] = value


def local_id_of(node: Any) -> str | None:
    """Return, in the controller, the id of a worker that is a process of this machine; None for a remote worker."""
    spec = node.gateway.spec
    is_local = getattr(spec, "popen", False) and not getattr(spec, "via", None)
    return getattr(node.gateway, "id", None) if is_local else None


def worker_of(report: pytest.TestReport) -> str | None:
    """Return the id of the worker that ran a test, as the controller recorded it; None if no worker ran the test."""
    found: str | None = getattr(getattr(getattr(report, "node", None), "gateway", None), "id", None)
    return found


def worker_line(report: pytest.TestReport) -> str | None:
    """Return the line by which pytest names the worker above a failure; None if no worker ran the test."""
    info = getattr(getattr(report, "node", None), "workerinfo", None)
    if info is None:
        return None
    version = ".".join(map(str, info["version_info"][:3]))
    return f"[{info['id']}] {info['sysplatform']} -- Python {version} {info['executable']}"


@contextlib.contextmanager
def as_running(item: pytest.Item) -> Iterator[bool]:
    """Let the worker send reports of an item that it has run before; yield whether it does. True without xdist.

    The worker asserts that a report is of the item that it runs, whose index it keeps in an attribute. The controller
    takes reports of any item.
    """
    worker: Any = next(iter(_workers(item.config)), None)
    if worker is None:
        yield not is_worker(item.config)
        return
    before = getattr(worker, _RUNNING, None)
    if before is None:
        yield False
        return
    setattr(worker, _RUNNING, item.session.items.index(item))
    try:
        yield True
    finally:
        setattr(worker, _RUNNING, before)


def leave_reporting_to_worker(config: pytest.Config) -> None:
    """Remove the worker's plugin; call in a fork of a worker.

    The fork would send all reports to the controller a second time, through the worker's pipe.
    """
    for plugin in _workers(config):
        config.pluginmanager.unregister(plugin)


def release_pipes(config: pytest.Config) -> None:
    """Close the pipes to the controller; call in a fork of a worker.

    The controller notices the death of a worker by the end of the stream. The descriptors stay taken, by /dev/null:
    what execnet still has to write must not end up in a file of the test.
    """
    for descriptor in _descriptors(config):
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        os.dup2(null, descriptor, inheritable=False)
        os.close(null)


def _descriptors(config: pytest.Config) -> Iterator[int]:
    for plugin in _workers(config):
        io: Any = getattr(getattr(getattr(plugin, "channel", None), "gateway", None), "_io", None)
        for name in _ENDS:
            with contextlib.suppress(AttributeError, OSError, ValueError):
                yield getattr(io, name).fileno()


def _workers(config: pytest.Config) -> list[Any]:
    # A look at all plugins touches the memory of each, which a fork has to copy.
    if not is_worker(config):
        return []
    return [plugin for plugin in config.pluginmanager.get_plugins() if type(plugin).__name__ == _WORKER]
