"""What the child knows of itself; the fixtures find it in `config.stash`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from ..settings import Settings
from ..wire import Sender
from .alternate_stack import AlternateStacks
from .faults import PythonStacks


@dataclass(frozen=True)
class ChildState:
    settings: Settings
    folder: Path
    sender: Sender
    stacks: PythonStacks
    alternate: AlternateStacks


CHILD = pytest.StashKey[ChildState]()
