"""The state of a child, which the fixtures find in `config.stash`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..channel.wire import Sender
from ..model.settings import Settings
from .alternate_stack import AlternateStacks
from .begun_crash import BegunCrash
from .debugger.debugging import Debugging
from .faults import PythonStacks
from .launchers import Launchers
from .pytest.raised_at_once import RaisedAtOnce
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
    crash: BegunCrash
    launchers: list[Launchers] = field(default_factory=list)
    """The launchers of the running test; they are closed after the test."""
    values: ThreadValues = field(default_factory=ThreadValues)
    """The values of the running test."""
    at_once: RaisedAtOnce = field(default_factory=RaisedAtOnce)
    """What the threads of the running round raised."""
    shaken: Shaken | None = None
    """The schedule of the running round; None for a test that is not stressed."""
    thread_names: dict[int, str] | None = None
    """The names of the main thread and of those that have run callbacks, by the kernel's id; None if nobody asks."""
    kept: list[object] = field(default_factory=list)
    """Objects that Java may still call after the test that made them has ended."""
