"""Makes the children of a run, which are forks or fresh interpreters, and closes each child in the end."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from ..channel.orders import Orders
from ..channel.wire import Sender
from ..child import main as child
from ..child.pytest.serving import Tests, WarningFilter
from ..config.stash_keys import LEAVE_CACHE, SETTINGS, STEP_ASIDE
from ..interop import monkey_patches
from ..interop.jpype import forget_jvm_of_parent
from ..interop.pytest_capture import usual_input_of
from ..model.settings import Settings
from ..supervise.child_files import no_room
from ..supervise.probes.pystack import Pystack
from ..supervise.process.scratch import ChildFolder, ScratchError, ScratchRoot
from ..supervise.process.signals import SignalsHeld, retry_interrupted
from .child_handle import ForkedChild
from .isolation import Group, Places, group_of
from .shared_fixtures import SharedFixtures
from .spawned import SpawnedChild
from .start_method import Starts


@dataclass(frozen=True)
class ForkSettings:
    """What each child of a run starts with, in addition to the settings of its test."""

    filters: Sequence[WarningFilter]
    """The warning filters outside of any test."""
    with_cache: Callable[[Settings], Settings]
    """Returns the settings with the class archive of their JVM, if the archive exists at the time of the call."""
    before_fork: Callable[[], None]
    """Called before a fork, but not before a fresh interpreter starts."""


class ChildFactory:
    """Makes and ends the children of a run. The caller must call `close` at the end of the run, also after an error."""

    def __init__(
        self,
        config: pytest.Config,
        places: Places,
        scratch: ScratchRoot,
        fixtures: SharedFixtures,
        starts: Starts,
        settings: ForkSettings,
    ) -> None:
        self._config = config
        self._places = places
        self._scratch = scratch
        self._fixtures = fixtures
        self.starts = starts
        self._settings = settings
        self._ends = scratch.ends
        self._pystack = Pystack(self._ends)
        self._open: list[ForkedChild] = []

    def new(self, item: pytest.Item, group: Group | None, *, inside_protocol: bool) -> ForkedChild:
        """Start a child for the item, and for other tests of its group; return the child.

        `inside_protocol` says whether the protocol of the item has begun: a child may be forked ahead of a later test.
        Raise ScratchError if there is no room for the files that the child needs.
        """
        monkey_patches.step_around()
        # Signals are put off from the making of the directory to the start of the keeper, which removes the directory:
        # a SIGTERM between the two would end this process and leave the directory behind.
        with SignalsHeld() as held:
            made = self._made_for(item, group, inside_protocol=inside_protocol)
            self._open.append(made)
            made.start(held)
            return made

    def _made_for(self, item: pytest.Item, group: Group | None, *, inside_protocol: bool) -> ForkedChild:
        settings = self._settings.with_cache(item.stash[SETTINGS])
        spawns = self.starts.how(settings) == "spawn"
        if not spawns:
            self._settings.before_fork()
        folder = self._scratch.child_folder()
        try:
            if spawns:
                return self._spawned(item, group, settings, folder)
            return self._forked(settings, self._places.of(item) if inside_protocol else None, folder)
        except BaseException as error:
            self._scratch.discard(folder)
            if isinstance(error, OSError):
                raise ScratchError(no_room(error)) from error
            raise

    def _forked(self, settings: Settings, forked_in: int | None, folder: ChildFolder) -> ForkedChild:
        places, filters = self._places, self._settings.filters
        tests = Tests(self._config, places.items, SETTINGS, forked_in, self._fixtures.ordinary_tests_ran, filters)
        collects = gc.isenabled()

        leave_cache = self._config.stash.get(LEAVE_CACHE, None)

        def run(sender: Sender, orders: Orders) -> None:
            monkey_patches.begin_in_fork()
            forget_jvm_of_parent()
            if leave_cache is not None:
                leave_cache()
            child.run(tests, settings, folder.path, sender, orders, collects=collects)

        standing = self._fixtures.standing()
        aside = self._config.stash.get(STEP_ASIDE, None)
        known, reads = len(places.items), usual_input_of(self._config)
        return ForkedChild(run, settings, folder, standing, self._ends, self._pystack, aside, known, reads)

    def _spawned(self, item: pytest.Item, group: Group | None, settings: Settings, folder: ChildFolder) -> SpawnedChild:
        others = self._places.items if group is not None else ()
        files = frozenset(str(one.path) for one in others if group_of(one) == group) | {str(item.path)}
        return SpawnedChild(self._config, settings, folder, self._ends, self._pystack, files)

    def end_pystack(self) -> None:
        """End the process that holds pystack ready. It is a fork of the pytest process, which is about to change."""
        retry_interrupted(self._pystack.close)

    def end(self, one: ForkedChild) -> None:
        """End the child and remove all that it leaves. Call this again if an interrupt broke off an earlier call."""
        retry_interrupted(functools.partial(self._close, one))

    def _close(self, one: ForkedChild) -> None:
        one.close(self._scratch.discard)
        if one in self._open:
            self._open.remove(one)

    def close(self) -> None:
        """End each child that was not ended, and remove all scratch directories."""
        self.end_pystack()
        for one in tuple(self._open):
            self.end(one)
        retry_interrupted(self._scratch.close)
