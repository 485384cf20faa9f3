"""Pages of the documentation, and what the commands of a page print now."""

from __future__ import annotations

import importlib
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Final, NamedTuple

import pytest

from .forked_runs import run_python
from .run_command import FEW_OPTIONS, FEW_PLUGINS

ROOT: Final = Path(__file__).resolve().parents[1]
ENDLESS: Final = 300.0


class Shown(NamedTuple):
    """The text of a page, and that text with the output of today; without what differs from run to run."""

    page: str
    today: str


def shown(page: Path, *options: str) -> Shown:
    """Run the commands of a page, with few plugins and these options, in forks of the server."""

    def run(arguments: Sequence[str], env: Mapping[str, str]) -> str:
        done = run_in_root(arguments, {**env, **variables(*options)})
        return done.stdout + done.stderr

    refresh = load_refresh()
    text = page.read_text(encoding="utf-8")
    for _ in range(3):
        today = refresh.refreshed(text, run)
        # On a busy machine a report lacks C frames, says so, and is not the page's for that reason only.
        if "did not end in time" not in today:
            break
    return Shown(refresh.essence(text), refresh.essence(today))


def variables(*options: str) -> dict[str, str]:
    """Return what gives a run few plugins and these options, which it does not show as arguments."""
    return {**FEW_PLUGINS, "PY_COLORS": "0", "PYTEST_ADDOPTS": shlex.join([*FEW_OPTIONS, *options])}


def run_in_root(arguments: Sequence[str], env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return run_python([sys.executable, "-m", "pytest", *arguments], ROOT, env, ENDLESS)


def load_refresh() -> ModuleType:
    """Return the module that refreshes pages; `docs` is no package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "docs"))
        return importlib.import_module("refresh")
