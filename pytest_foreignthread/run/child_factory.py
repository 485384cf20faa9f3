"""Makes the children of a run, which are forks or fresh interpreters, and closes each child in the end."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..channel.orders import Orders
from ..channel.wire import Sender
from ..child import main as child
from ..child.pytest.serving import Tests, WarningFilter
from ..config.stash_keys import LEAVE_CACHE, SETTINGS, STEP_ASIDE
from ..interop.hooks_between_tests import hooks_between_tests, is_traced
from ..interop.jpype import forget_jvm_of_parent
from ..interop.pytest_capture import usual_input_of
from ..model.settings import Settings
from ..supervise.child_files import no_room
from ..supervise.probes.pystack import Pystack
from ..supervise.process.fork import ChildMain
from ..supervise.process.idle_keepers import CAN_WAIT, IdleKeepers, Reuse
from ..supervise.process.keeper import Template
from ..supervise.process.scratch import ChildFolder, ScratchError, ScratchRoot
from ..supervise.process.signals import SignalsHeld, retry_interrupted
from .child_handle import ForkedChild
from .isolation import Group, Places, group_of, jvm_key
from .shared_fixtures import SharedFixtures
from .start_method import Starts

if TYPE_CHECKING:
    from .spawned import SpawnedChild


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
        self._idle = IdleKeepers(scratch.retire_unused)
        self._open: list[ForkedChild] = []

    def new(self, item: pytest.Item, group: Group | None, *, begun: bool) -> ForkedChild:
        """Start a child for the item, and for other tests of its group; return the child.

        `begun` says whether the item's protocol has begun: the child of a test that comes later is forked before that.
        Raise ScratchError if there is no room for the files that the child needs.
        """
        # Signals are put off from the making of the directory to the start of the keeper, which removes the directory:
        # a SIGTERM between the two would end this process and leave the directory behind.
        with SignalsHeld() as held:
            made = self._made_for(item, group, begun=begun)
            self._open.append(made)
            made.start(held)
            return made

    def _made_for(self, item: pytest.Item, group: Group | None, *, begun: bool) -> ForkedChild:
        settings = self._settings.with_cache(item.stash[SETTINGS])
        spawns = self.starts.how(settings) == "spawn"
        key = None if spawns else self._memory(settings)
        if not spawns and not self._idle.has(key):
            self._settings.before_fork()
        folder = self._scratch.child_folder()
        try:
            if spawns:
                return self._spawned(item, group, settings, folder)
            return self._forked(settings, self._places.of(item) if begun else None, folder, key)
        except BaseException as error:
            self._scratch.discard(folder)
            if isinstance(error, OSError):
                raise ScratchError(no_room(error)) from error
            raise

    def _memory(self, settings: Settings) -> object:
        """Return a key that is equal for children that would begin with the same memory; None if no two can.

        Between two such children nothing runs in the pytest process but pytest and plugins: then a fork of a keeper
        that was forked before the first is as good as a fork of the pytest process, and costs the pytest process less.
        """
        if not CAN_WAIT or is_traced() or hooks_between_tests(self._config):
            return None
        jvm = (jvm_key(settings), settings.jvm_cache)
        fixtures = (self._fixtures.standing(), self._fixtures.ordinary_tests_ran)
        return jvm, fixtures, len(self._places.items), gc.isenabled()

    def _forked(self, settings: Settings, begun: int | None, folder: ChildFolder, memory: object) -> ForkedChild:
        main_in = self._child_main(settings)
        # A later child of the same keeper is not forked within the protocol of its test.
        template = Template(lambda path: main_in(Path(path), None), functools.partial(child.prepare, self._config))
        reuse = Reuse(self._idle, memory, template, str(folder.path)) if memory is not None else None
        standing = self._fixtures.standing()
        aside = self._config.stash.get(STEP_ASIDE, None)
        known, reads = len(self._places.items), usual_input_of(self._config)
        main = main_in(folder.path, begun)
        return ForkedChild(main, settings, folder, standing, self._ends, self._pystack, aside, known, reads, reuse)

    def _child_main(self, settings: Settings) -> Callable[[Path, int | None], ChildMain]:
        """Return a function that makes what a child runs, of its directory and the item whose protocol has begun."""
        config, places, filters = self._config, self._places, self._settings.filters
        shares, collects = self._fixtures.ordinary_tests_ran, gc.isenabled()
        leave_cache = config.stash.get(LEAVE_CACHE, None)

        def main_in(folder: Path, begun: int | None) -> ChildMain:
            def run(sender: Sender, orders: Orders) -> None:
                forget_jvm_of_parent()
                if leave_cache is not None:
                    leave_cache()
                tests = Tests(config, places.items, SETTINGS, begun, shares, filters)
                child.run(tests, settings, folder, sender, orders, collects=collects)

            return run

        return main_in

    def _spawned(self, item: pytest.Item, group: Group | None, settings: Settings, folder: ChildFolder) -> SpawnedChild:
        # Imported here: few runs of pytest start fresh interpreters.
        from .spawned import SpawnedChild

        others = self._places.items if group is not None else ()
        files = frozenset(str(one.path) for one in others if group_of(one) == group) | {str(item.path)}
        return SpawnedChild(self._config, settings, folder, self._ends, self._pystack, files)

    def end_idle_keepers(self) -> None:
        """End the keepers that wait for another child: the pytest process, of which they are copies, may change."""
        with SignalsHeld():
            retry_interrupted(self._idle.close)

    def end_pystack(self) -> None:
        """End the process that holds pystack ready. It is a fork of the pytest process, which is about to change."""
        retry_interrupted(self._pystack.close)

    def end(self, one: ForkedChild) -> None:
        """End the child and remove all that it leaves. Call this again if an interrupt broke off an earlier call."""
        retry_interrupted(functools.partial(self._close, one))

    def _close(self, one: ForkedChild) -> None:
        one.close(self._scratch.discard)
        if not one.ended_in_order:
            # The report of such a child changes the pytest process: pytest counts failures, and hooks of the project
            # take part in the report of a death.
            self._idle.close()
        if one in self._open:
            self._open.remove(one)

    def close(self) -> None:
        """End each child that was not ended, and remove all scratch directories."""
        self.end_pystack()
        for one in tuple(self._open):
            self.end(one)
        self.end_idle_keepers()
        retry_interrupted(self._scratch.close)
