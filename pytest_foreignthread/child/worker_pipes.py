"""The pipes between an xdist worker and its controller, of which a fork of the worker has a copy."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any, Final

import pytest

_ENDS: Final = ("infile", "outfile", "sock")
"""Names that execnet has for them. They are private, as is the way there; a process without them holds its copies."""


def release(config: pytest.Config) -> None:
    """Hold xdist's pipes open no longer: the controller sees a worker's death by the end of what can be read from it.

    The numbers stay taken, by /dev/null: what execnet still has to write must not land in a file of the test's.
    """
    for descriptor in _descriptors(config):
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        os.dup2(null, descriptor, inheritable=False)
        os.close(null)


def _descriptors(config: pytest.Config) -> Iterator[int]:
    for plugin in config.pluginmanager.get_plugins():
        if type(plugin).__name__ == "WorkerInteractor":
            io: Any = getattr(getattr(getattr(plugin, "channel", None), "gateway", None), "_io", None)
            for name in _ENDS:
                with contextlib.suppress(AttributeError, OSError, ValueError):
                    yield getattr(io, name).fileno()
