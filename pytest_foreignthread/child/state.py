"""What the child knows of itself; the fixtures find it in `config.stash`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..channel.wire import Sender
from ..model.settings import Settings
from .alternate_stack import AlternateStacks
from .debugger.debugging import Debugging
from .faults import PythonStacks
from .launchers import Launchers
from .shaken import Shaken
from .thread_values import ThreadValues


@dataclass(frozen=True)
class ChildState:
    settings: Settings
    folder: Path
    sender: Sender
    stacks: PythonStacks
    alternate: AlternateStacks
    debugging: Debugging
    launchers: list[Launchers] = field(default_factory=list)
    """Those of the test that runs; they are closed after it."""
    values: ThreadValues = field(default_factory=ThreadValues)
    """Those of the test that runs."""
    shaken: Shaken | None = None
    """The schedule of the round that runs; None for a test that is not stressed."""
    kept: list[object] = field(default_factory=list)
    """What Java may still call when the test that made it has ended."""
