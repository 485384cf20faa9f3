"""A child that is a fresh interpreter with a pytest of its own, not a fork that goes on in the pytest process's memory.

It is needed if the pytest process runs a JVM already, because a forked JVM does not work.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pickle
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from ..channel.orders import Orders
from ..channel.wire import Sender
from ..child.pytest.measuring import coverage_options
from ..config.stash_keys import START_PATH, STEP_ASIDE
from ..interop import pytest_cov, xdist
from ..interop.pytest_capture import usual_input_of
from ..interop.pytest_plugins import log_file_of
from ..interop.pytest_temporary_folders import base_folder
from ..interop.pytest_terminal import terminal_of
from ..model.checkers import DEV, MALLOC
from ..model.observation import NotServed
from ..model.settings import Settings
from ..supervise.probes.pystack import Pystack
from ..supervise.process.fork import OpenEnds
from ..supervise.process.scratch import ChildFolder
from . import spawn_start
from .child_handle import ForkedChild
from .spawn_start import FreshStart

_PROGRAM: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from pytest_foreignthread.run.spawn_main import main; main(*sys.argv[2:])"
)
_FLAGS: Final = (
    *(("debug", "d"), ("dont_write_bytecode", "B"), ("no_user_site", "s"), ("no_site", "S"), ("verbose", "v")),
    *(("bytes_warning", "b"), ("quiet", "q"), ("optimize", "O"), ("ignore_environment", "E"), ("safe_path", "P")),
)
# Options that a second session would use to overwrite or clear what the first session has written.
_OTHERWISE: Final[Mapping[str, Any]] = {
    **dict.fromkeys(["xmlpath", "report_log", "htmlpath", "json_report_file", "pastebin", "debug"]),
    **dict.fromkeys(["cacheclear", "cacheshow", "foreign_thread_cache_clear", "clean_alluredir"], False),
    "log_file_mode": "a",
}
# Options that the pytest process has changed since it parsed them. A plugin that chooses a random seed would choose
# another one in the fresh pytest, and xdist has set the options that make a worker's configuration.
_AS_HERE: Final = (
    *("randomly_seed", "random_order_seed"),
    *("dist", "distload", "tx", "numprocesses", "maxprocesses", "loadgroup", "looponfail", "usepdb"),
)


class SpawnedChild(ForkedChild):
    """A child that is a fresh interpreter. The caller that makes the object must call `close`."""

    start_word = "spawn"
    is_copy = False

    def __init__(
        self,
        config: pytest.Config,
        settings: Settings,
        folder: ChildFolder,
        ends: OpenEnds,
        pystack: Pystack,
        files: frozenset[str],
    ) -> None:
        """`files` are the files whose tests the child may be ordered to run.

        Raise OSError if no file can be written into the scratch directory.
        """
        _let_others_append(config)
        aside = config.stash.get(STEP_ASIDE, None)
        reads = usual_input_of(config)
        main = _child_main(config, folder.path, settings.checks)
        super().__init__(main, settings, folder, frozenset(), ends, pystack, aside, usual_input=reads)
        # The project may start a JVM in this interpreter even if its tests need none.
        self._starts_jvm, self.starts_jvm_late = True, settings.jvm is not None
        self._files = files
        start = _start_of(config, settings, folder.path, files)
        (folder.here / spawn_start.FILE).write_bytes(pickle.dumps(start))

    def knows(self, item: pytest.Item, place: int) -> bool:
        return str(item.path) in self._files

    def name_of(self, item: pytest.Item, place: int) -> int | str:
        return item.nodeid


def _child_main(config: pytest.Config, folder: Path, checks: Sequence[str]) -> Any:
    path = config.stash.get(START_PATH, tuple(sys.path))

    options, environment = interpreter_options(), dict(os.environ)
    if MALLOC in checks:
        environment["PYTHONMALLOC"] = "debug"
    if DEV in checks:
        options += [] if sys.flags.dev_mode else ["-X", "dev"]
        environment["PYTHONASYNCIODEBUG"] = "1"

    def run(sender: Sender, orders: Orders) -> None:
        for descriptor in (sender.fileno(), orders.fileno()):
            os.set_inheritable(descriptor, True)
        arguments = [json.dumps(path), str(folder), str(sender.fileno()), str(orders.fileno())]
        try:
            program = [sys.executable, *options, "-c", _PROGRAM, *arguments]
            os.execve(sys.executable, program, environment)
        except OSError as error:
            sender.send(NotServed(f"no fresh interpreter: {sys.executable}: {error}"))

    return run


def interpreter_options() -> list[str]:
    """Return the options with which this process's interpreter was started."""
    letters = [letter * int(getattr(sys.flags, name, 0)) for name, letter in _FLAGS]
    implementation = [name if value is True else f"{name}={value}" for name, value in sys._xoptions.items()]
    return [
        *(f"-{letter}" for letter in letters if letter),
        *(part for option in implementation for part in ("-X", option)),
        *(part for option in sys.warnoptions for part in ("-W", option)),
    ]


def _start_of(config: pytest.Config, settings: Settings, folder: Path, files: frozenset[str]) -> FreshStart:
    sent = xdist.worker_input(config)
    return FreshStart(
        folder=str(config.invocation_params.dir),
        argv=tuple(sys.argv),
        args=(*_plugins(config), *map(os.fspath, config.invocation_params.args)),
        worker_input=None if sent is None else _picklable(sent),
        options={**_OTHERWISE, **dict(_of_this_run(config, folder))},
        files=tuple(sorted(files)),
        # The project's own modes are functions; the fresh pytest asks the project for them.
        settings=replace(settings, own_modes={}),
        colours=_has_colours(config),
        coverage=coverage_options(config),
    )


def _let_others_append(config: pytest.Config) -> None:
    """Set `O_APPEND` on the descriptor of `--log-file`, so that this process overwrites nothing of the fresh pytest's.

    The fresh pytest opens the file itself, and so has a file offset of its own; a fork shares the offset of this
    process. Without `O_APPEND` this process would go on writing at its old offset.
    """
    with contextlib.suppress(OSError):
        if (descriptor := log_file_of(config)) is not None:
            fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_APPEND)


def _plugins(config: pytest.Config) -> Iterator[str]:
    """Yield the arguments that load the plugins which the caller of `pytest.main` passed, if they are modules.

    A plugin that is another object exists in this process only.
    """
    if pytest_cov.is_loaded(config):
        # An argument, because pytest-cov reads the option before any hook can set it. pytest-cov would clear the data
        # that this process measures.
        yield "--no-cov"
    for plugin in config.invocation_params.plugins or ():
        name = plugin.__name__ if isinstance(plugin, types.ModuleType) else plugin
        if isinstance(name, str):
            yield from ("-p", name)


def _of_this_run(config: pytest.Config, folder: Path) -> Iterator[tuple[str, Any]]:
    options = vars(config.option)
    yield from ((name, options[name]) for name in _AS_HERE if name in options)
    # A directory for each child: pytest clears the directory that --basetemp names, so two sessions cannot share one.
    base = base_folder(config)
    if base is not None:
        yield "basetemp", str(base / folder.name)


def _has_colours(config: pytest.Config) -> bool:
    return terminal_of(config) is not None and config.get_terminal_writer().hasmarkup


def _picklable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that can be pickled.

    What xdist sent can be; what a plugin has added since may be an object of this process only.
    """
    return {name: value for name, value in values.items() if _crosses(value)}


def _crosses(value: object) -> bool:
    try:
        pickle.dumps(value)
    # An object's `__reduce__` or `__getstate__` may raise anything.
    except Exception:
        return False
    return True
