"""pytest-xdist: whether this process is a worker, what passes between worker and controller, and what a fork shares.

A worker is known by the attributes that xdist puts on its config; its function `is_xdist_worker` asks for the same one,
and is there only where xdist is installed.
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
"""Class of the plugin of a worker; it is registered without a name."""
_ENDS: Final = ("infile", "outfile", "sock")
"""Names that execnet has for them. They are private, as is the way there; a process without them holds its copies."""


def is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def is_controller(config: pytest.Config) -> bool:
    """Return whether workers run the tests of this process: xdist registers its session under this name."""
    return config.pluginmanager.hasplugin("dsession")


def worker_input(config: pytest.Config) -> dict[str, Any] | None:
    """Return what the controller has sent to this worker; None where this process is no worker."""
    return getattr(config, "workerinput", None)


def worker_output(config: pytest.Config) -> dict[str, Any] | None:
    """Return what this worker leaves its controller at its end; None where this process is no worker."""
    return getattr(config, "workeroutput", None)


def become_worker(config: Any, sent: Mapping[str, Any]) -> None:
    """Let a config be that of a worker, as xdist does it; the arguments are those of its controller."""
    config.workerinput, config.workeroutput = sent, {}


def worker_id(config: pytest.Config) -> str | None:
    """Return `gw0` and such; None where this process is no worker."""
    return (worker_input(config) or {}).get("workerid")


def uid_of_run(config: pytest.Config) -> str | None:
    """Return the id that all workers of a run have in common; None where this process is no worker."""
    return (worker_input(config) or {}).get("testrunuid")


def controllers_arguments(config: pytest.Config) -> Sequence[str] | None:
    """Return the arguments of the command line that started the controller; None where this process is no worker."""
    sent = worker_input(config)
    return None if sent is None else sent.get("mainargv", ())[1:]


def left_by(node: Any) -> Mapping[str, Any]:
    """Return what a worker has left, in the controller; nothing of one that died."""
    return getattr(node, "workeroutput", {})


def send_to(node: Any, name: str, value: Any) -> None:
    """Add to what the controller is about to send to a worker."""
    node.workerinput[name] = value


def local_id_of(node: Any) -> str | None:
    """Return the id of a worker that is a process of this machine, in the controller; None for one elsewhere."""
    spec = node.gateway.spec
    is_local = getattr(spec, "popen", False) and not getattr(spec, "via", None)
    return getattr(node.gateway, "id", None) if is_local else None


def worker_of(report: pytest.TestReport) -> str | None:
    """Return the id of the worker that ran a test, as the controller notes it; None where it ran in no worker."""
    found: str | None = getattr(getattr(getattr(report, "node", None), "gateway", None), "id", None)
    return found


def leave_reporting_to_worker(config: pytest.Config) -> None:
    """Call in a fork of a worker, which would send the controller, by the worker's pipe, what the worker sends."""
    for plugin in _workers(config):
        config.pluginmanager.unregister(plugin)


def release_pipes(config: pytest.Config) -> None:
    """Call in a fork of a worker, so that it does not hold the pipes open to the controller.

    The controller sees a worker's death by the end of what can be read from it. The numbers stay taken, by /dev/null:
    what execnet still has to write must not land in a file of the test's.
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
    return [plugin for plugin in config.pluginmanager.get_plugins() if type(plugin).__name__ == _WORKER]
