"""Parts of pytest that a run may lack, by the names under which pytest registers them, which it does not document."""

from __future__ import annotations

from typing import Any

import pytest


def records_warnings(config: pytest.Config) -> bool:
    """Return whether pytest records warnings: `-p no:warnings` has no other trace."""
    return config.pluginmanager.hasplugin("warnings")


def has_faulthandler(config: pytest.Config) -> bool:
    """Return whether pytest enables faulthandler: `-p no:faulthandler` has no other trace."""
    return config.pluginmanager.hasplugin("faulthandler")


def has_watchdog(config: pytest.Config) -> bool:
    """Return whether pytest starts a thread of faulthandler's for each test."""
    return has_faulthandler(config) and float(config.getini("faulthandler_timeout") or 0) > 0


def drop_faulthandler(config: pytest.Config) -> None:
    """Call in a fork.

    To start its watchdog, for `faulthandler_timeout`, the plugin waits for the end of the one before, a thread that the
    fork has not copied. Once a run has begun, no option turns it off.
    """
    if has_faulthandler(config):
        config.pluginmanager.unregister(name="faulthandler")


def log_file_of(config: pytest.Config) -> int | None:
    """Return the descriptor of the file of `--log-file`, which pytest opens in its own plugin; None without one."""
    logging: Any = config.pluginmanager.getplugin("logging-plugin")
    stream = getattr(getattr(logging, "log_file_handler", None), "stream", None)
    try:
        descriptor: int = stream.fileno()  # type: ignore[union-attr]
    except (AttributeError, OSError, ValueError):
        return None
    return descriptor
