"""Parts of pytest that a run may lack, found by the undocumented names under which pytest registers them."""

from __future__ import annotations

from typing import Any

import pytest


def records_warnings(config: pytest.Config) -> bool:
    """Return whether pytest records warnings; `-p no:warnings` leaves no other trace."""
    return config.pluginmanager.hasplugin("warnings")


def has_faulthandler(config: pytest.Config) -> bool:
    """Return whether pytest enables faulthandler; `-p no:faulthandler` leaves no other trace."""
    return config.pluginmanager.hasplugin("faulthandler")


def has_watchdog(config: pytest.Config) -> bool:
    """Return whether pytest starts a watchdog thread of faulthandler for each test."""
    return has_faulthandler(config) and float(config.getini("faulthandler_timeout") or 0) > 0


def drop_faulthandler(config: pytest.Config) -> None:
    """Remove pytest's faulthandler plugin; call in a fork.

    For `faulthandler_timeout` the plugin starts a watchdog, and first waits for the end of the earlier watchdog. That
    thread does not exist in a fork, so the wait would have no end. No option turns the plugin off after the run has
    begun.
    """
    if has_faulthandler(config):
        config.pluginmanager.unregister(name="faulthandler")


def log_file_of(config: pytest.Config) -> int | None:
    """Return the descriptor of the file of `--log-file`; None without one.

    Only an attribute of pytest's plugin has the file.
    """
    logging: Any = config.pluginmanager.getplugin("logging-plugin")
    stream = getattr(getattr(logging, "log_file_handler", None), "stream", None)
    try:
        descriptor: int = stream.fileno()  # type: ignore[union-attr]
    except (AttributeError, OSError, ValueError):
        return None
    return descriptor
