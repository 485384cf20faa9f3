"""The environment of a run: versions for the report, and machine, variables and command line for a bundle."""

from __future__ import annotations

import datetime
import locale
import os
import platform
import sys
import sysconfig
from importlib.metadata import version
from typing import Any, Final

import pytest

from ...config.option_table import OPTIONS
from ...interop import xdist
from ...model.settings import Jvm

_OF_THE_END: Final = frozenset({"artifacts", "report", "baseline", "update_baseline", "cache_clear"})
"""Options about what to do with the results. A rerun leaves them out: they do not change what runs."""

# pytest-randomly's option has the seed that the plugin chose; Hypothesis' option only a seed that the user chose.
_SEEDS: Final = (("randomly_seed", "--randomly-seed"), ("hypothesis_seed", "--hypothesis-seed"))


def versions(jvm: Jvm | None) -> dict[str, Any]:
    """Return the `environment` of the machine-readable report."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "pytest": pytest.__version__,
        "jpype": version("jpype1") if jvm else None,
        "pytest_foreignthread": version("pytest-foreignthread"),
        "jvm": {"version": jvm.version, "path": str(jvm.library), "source": jvm.source} if jvm else None,
    }


def run_facts(config: pytest.Config) -> dict[str, Any]:
    """Return the `run` of the machine-readable report. Call this at the end of the run, whose time it states."""
    from .redaction import without_secrets

    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        "finished": now.isoformat(timespec="seconds"),
        "command": without_secrets(["pytest", *_command_line(config)]),
    }


def surroundings(config: pytest.Config) -> dict[str, Any]:
    """Return what may matter to a failure besides the versions, as plain data, without what looks like a secret."""
    from .redaction import split_variables, without_secrets

    variables = split_variables(os.environ)
    return {
        "argv": without_secrets(_command_line(config)),
        "cwd": str(config.invocation_params.dir),
        "rootdir": str(config.rootpath),
        "inifile": str(config.inipath) if config.inipath is not None else None,
        "xdist_worker": xdist.worker_id(config),
        "plugins": plugins(config),
        **_interpreter(),
        **_machine(),
        "environment_variables": variables.shown,
        "left_out": list(variables.left_out),
    }


def _command_line(config: pytest.Config) -> list[str]:
    """Return the arguments of pytest. An xdist worker has none of its own, so it returns those of its controller."""
    controllers = xdist.controllers_arguments(config)
    # A caller of pytest.main() may pass a Path.
    given = config.invocation_params.args if controllers is None else controllers
    return [os.fspath(argument) for argument in given]


def plugins(config: pytest.Config) -> dict[str, str]:
    """Return the name and version of each distribution that has a loaded plugin."""
    found = {str(dist.metadata["Name"]): str(dist.version) for _, dist in config.pluginmanager.list_plugin_distinfo()}
    return dict(sorted(found.items()))


def _interpreter() -> dict[str, Any]:
    return {
        "executable": sys.executable,
        "implementation": platform.python_implementation(),
        "debug_build": bool(sysconfig.get_config_var("Py_DEBUG")),
        "free_threaded_build": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "locale": locale.setlocale(locale.LC_CTYPE),
        "encodings": {
            "preferred": locale.getpreferredencoding(False),
            "file_system": sys.getfilesystemencoding(),
            "utf8_mode": bool(sys.flags.utf8_mode),
        },
    }


def _machine() -> dict[str, Any]:
    return {
        "kernel": f"{platform.system()} {platform.release()} {platform.version()}",
        "libc": " ".join(platform.libc_ver()).strip() or None,
        "cpus": {"total": os.cpu_count(), "usable": usable_processors()},
        "memory_bytes": _memory(),
    }


def usable_processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def rerun_options(config: pytest.Config) -> list[str]:
    """Return the arguments with which pytest runs a test as this run does, without what looks like a secret."""
    found = [*_pytest_options(config)]
    for option in OPTIONS:
        if option.name not in _OF_THE_END:
            found += _written(option.flag, config.getoption(option.flag, None))
    found += _written("--forked", config.getoption("forked", None))
    for name, flag in _SEEDS:
        found += _written(flag, config.getoption(name, None))
    from .redaction import without_secrets

    return without_secrets(found)


def _pytest_options(config: pytest.Config) -> list[str]:
    named = [name for name in config.getoption("plugins", None) or () if not _is_xdists_own(config, name)]
    overrides = config.getoption("override_ini", None) or ()
    return [
        *_written("--config-file", config.getoption("inifilename", None)),
        *_written("--rootdir", config.getoption("rootdir", None)),
        *(part for name in named for part in ("-p", name)),
        *(part for override in overrides for part in ("-o", override)),
    ]


def _is_xdists_own(config: pytest.Config, plugin: str) -> bool:
    return plugin == "no:terminal" and xdist.is_worker(config)


def _written(flag: str, value: object) -> list[str]:
    if value is None or value is False:
        return []
    return [flag] if value is True else [f"{flag}={value}"]
