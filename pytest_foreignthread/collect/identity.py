"""The identity of a test: the fields of its record that name the test, and how to run it again."""

from __future__ import annotations

import os
from typing import Any

import pytest

from ..model.settings import Settings

_TYPED = pytest.StashKey[dict[str, str]]()
"""Path of a test file below rootdir → the same path as typed in the directory where pytest was started."""


def identity(item: pytest.Item, settings: Settings) -> dict[str, Any]:
    """Return the fields of a record that name the test, and that say how to run the test again."""
    return {
        "jvm": settings.jvm is not None,
        "test": settings.test or item.nodeid,
        "rerun": as_typed(item.config, own_id(item)),
        "rerun_options": settings.rerun_options,
    }


def as_typed(config: pytest.Config, nodeid: str) -> str:
    """Return a node id for a command line in the directory where pytest was started. Its own path starts at rootdir."""
    path, colons, names = nodeid.partition("::")
    known = config.stash.setdefault(_TYPED, {})
    if path not in known:
        known[path] = os.path.relpath(config.rootpath / path, config.invocation_params.dir)
    return f"{known[path]}{colons}{names}"


def own_id(item: pytest.Item) -> str:
    """Return the node id that selects the test on a command line.

    With `--dist loadgroup`, xdist's workers append the names of groups to the node id.
    """
    if not item.config.getoption("loadgroup", False):
        return item.nodeid
    marks = item.iter_markers("xdist_group")
    groups = {str(mark.args[0] if mark.args else mark.kwargs.get("name", "default")) for mark in marks}
    return item.nodeid.removesuffix(f"@{'_'.join(sorted(groups))}")
