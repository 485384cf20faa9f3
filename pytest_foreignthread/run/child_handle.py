"""One child as the run holds it: the tests that the child knows and has served, and its scratch directory."""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from ..channel.expected_messages import MessagesOfEnd, MessagesOfTest
from ..channel.orders import End, RunTest
from ..config.stash_keys import SETTINGS
from ..evidence.jni_checks import without_head
from ..model import documents
from ..model.checkers import checks_jni
from ..model.observation import (
    InternalError,
    JvmFailed,
    NotServed,
    Observation,
    PhaseStarted,
    ReportMade,
    SessionStopped,
    Taken,
    WarningRecorded,
)
from ..model.outcomes import Phase
from ..model.settings import DEBUGGER_FIFO, DUMP_SIGNAL, Settings
from ..supervise import child_files, document_files
from ..supervise.jvm_files import StrayLogs
from ..supervise.probes import native
from ..supervise.probes.crash_gate import CrashWatch
from ..supervise.probes.probe import take_crash, take_documents
from ..supervise.probes.pystack import Pystack
from ..supervise.process.fork import ChildMain, OpenEnds
from ..supervise.process.lender import Lender, UsualInput, usual_input
from ..supervise.process.scratch import ChildFolder
from ..supervise.process.signals import SignalsHeld
from ..supervise.supervisor import SupervisedChild
from .child_coverage import take_in
from .isolation import JvmKey, jvm_key
from .served_test import ServedTest

Standing = frozenset[pytest.Item | pytest.Collector]
"""Nodes on which fixtures are set up."""

_FOLDER: Final = "scratch directory"
"""Name under which the report lists the directory as missing, if a test has removed it with all documents."""
_AT_END: Final = (WarningRecorded, SessionStopped, InternalError)
"""Messages that make the end of a child worth a report, even if the child ended in order."""
_LIMIT_WHEN_UNWANTED: Final = 5.0
"""Seconds for each remaining phase of a test whose report is not wanted any more."""
_INTERRUPTS_AHEAD: Final = (1, 3)
"""Numbers of the ticks, from 0, that interrupt such a test. A tick comes about once a second.

Not at the first tick: an interrupt that comes between the end of a short test and the next order would end the child.
"""
_INTERRUPTS: Final = (0, 1)
"""The same for a test that ^C interrupts: it is running."""


class ForkedChild:
    """A child that is a fork of the pytest process; `SpawnedChild` says what differs in a fresh interpreter.

    The caller that makes the object must call `close`.
    """

    start_word = "fork"
    """One of `choices.STARTS`."""
    is_copy = True
    """Whether the child holds a copy of the pytest process's memory, as it was when the child was started."""
    starts_jvm_late = False
    """Whether the child's JVM may start as late as in the setup of a test."""

    def __init__(
        self,
        child_main: ChildMain,
        settings: Settings,
        folder: ChildFolder,
        standing: Standing,
        ends: OpenEnds,
        pystack: Pystack,
        step_aside: Callable[[], object] | None = None,
        known: int = 0,
        usual_input: UsualInput = usual_input,
    ) -> None:
        """`standing` are the nodes whose fixtures the pytest process has set up: the child must not tear these down.

        The child knows the first `known` items of the run. `step_aside` is called before a debugger in the child gets
        the screen; `usual_input` returns what the debugger may read from.
        """
        self.folder = folder
        self._lender = Lender(folder.here / DEBUGGER_FIFO, step_aside, usual_input)
        self._settings = settings
        self._pystack = pystack
        self._inherited_fixture_nodes = standing
        self._known = known
        crash = _crash_watch(settings, folder.here, pystack)
        self._supervised = SupervisedChild(
            child_main, crash, ends, self._lender, folder.run, message_limit=settings.message_limit
        )
        self._current = _current_folder()
        self._starts_jvm = settings.jvm is not None
        """Whether the child has yet to start its JVM."""
        self.served: dict[pytest.Item, None] = {}
        """The tests that the child has served, in their order."""
        self.ahead: pytest.Item | None = None
        """The test that the child was ordered to run ahead of its turn, and that `observe` has not watched yet."""
        self.waits_for_order = False
        """Whether the child was last seen to wait for its next order."""
        self._expects = MessagesOfTest("", starts_jvm=False)
        """What is left of the messages of the test that is observed."""
        self._said_before = 0
        """How many bytes HotSpot had written to its log before the test."""
        self._takes_coverage = True
        self.coverage_lost: str | None = None
        """Why the coverage data of the closed child could not be read; None if nothing was lost."""

    @property
    def key(self) -> JvmKey:
        return jvm_key(self._settings)

    def start(self, held: SignalsHeld) -> None:
        """Fork the child now, while signals are put off. If the fork fails, `observe` tries again and reports it."""
        self._supervised.start_quietly(held)

    @property
    def ended(self) -> bool:
        return self._supervised.ended

    def knows(self, item: pytest.Item, place: int) -> bool:
        """Return whether the item, which has this place in the run's order, existed at the fork."""
        return place < self._known

    def name_of(self, item: pytest.Item, place: int) -> int | str:
        """Return the name that an order to this child uses for the item."""
        return place

    @property
    def last_served(self) -> pytest.Item:
        """The test that the child has served last; there must be one."""
        return next(reversed(self.served))

    def can_serve(self, item: pytest.Item, place: int) -> bool:
        # A second run of an item would find what the first run left in the item's own objects. A child that was ordered
        # to run a test ahead sends that test's messages first.
        fresh = item not in self.served and self.ahead in (None, item)
        return fresh and self.knows(item, place) and self.can_go_on_to(item)

    def can_go_on_to(self, item: pytest.Item) -> bool:
        """Return whether the item needs every node whose fixtures the pytest process had set up at the fork.

        If it does not, fixtures of the pytest process would have to be torn down first, and the child holds only
        copies of them.
        """
        return self._inherited_fixture_nodes <= set(item.listchain())

    def order_ahead(self, item: pytest.Item, order: RunTest) -> None:
        self.ahead = item
        self._supervised.send_order(order)

    def observe(
        self,
        item: pytest.Item,
        order: RunTest | None,
        tick: Callable[[], object] | None,
        entered: Callable[[Phase], object] | None = None,
    ) -> tuple[Observation, documents.Documents]:
        """Send the order and watch the child run the test; return what was observed and the documents that it left.

        `order` is None if `order_ahead` has sent the order already.
        """
        self.ahead, self.waits_for_order = None, False
        limits, self._expects = item.stash[SETTINGS].limit, self._expected(item)
        observation = self._supervised.observe(
            limits,
            probe=self._probe(),
            is_dying=self._is_dying,
            order=order,
            tick=tick,
            entered=entered,
            expected=self._expects,
        )
        self.waits_for_order = observation.waits_for_order
        if observation.first(NotServed) is None:
            self.served[item] = None
        self._starts_jvm = self._starts_jvm and not _has_started_jvm(observation)
        return self._with_documents(observation)

    def _with_documents(self, observation: Observation) -> tuple[Observation, documents.Documents]:
        found, missing = self._left(observation)
        if checks_jni(self._settings.jvm_args):
            # What HotSpot writes from now on belongs to the next test, which may begin before `observe` is called for
            # that test.
            self._said_before = child_files.size(self.folder.here / documents.JVM_OUTPUT)
        if missing:
            observation = replace(observation, missing={**missing, **observation.missing})
        return observation, {**found, **observation.documents}

    def _left(self, observation: Observation) -> Taken:
        """Return the documents in the scratch directory, and why each missing document is missing."""
        found: documents.Documents = {}
        missing: dict[str, str] = {}
        # Most tests pass, and reading the directory takes time: it is read only if the test did not pass. An error log
        # that a process of the test wrote elsewhere is removed if the test's output names it.
        output = "\n".join(_output(observation))
        # The JVM of a process that the test forked may have named its error log in one of the documents.
        unread = observation.all_passed or (observation.ended_well and self._settings.jvm is None)
        if not unread:
            self.folder.permit()
            found, missing = document_files.read(self.folder.here)
            self._add_jvm_output(found, missing)
            output = "\n".join([found.get(documents.STDOUT, ""), output])
            if documents.HS_ERR not in {*found, *missing}:
                self._look_for_error_log(found, missing, output)
        if output or not unread:
            self._remove_stray_logs(output)
        if not self.folder.exists():
            missing[_FOLDER] = "the test removed it, with the documents in it"
        return found, missing

    def _add_jvm_output(self, found: documents.Documents, missing: dict[str, str]) -> None:
        if not checks_jni(self._settings.jvm_args):
            return
        said: documents.Documents = {}
        file = self.folder.here / documents.JVM_OUTPUT
        document_files.read_one(documents.JVM_OUTPUT, file, said, missing, start=self._said_before)
        # The head quotes the arguments of the JVM, and is of no use.
        found.update({name: text for name, whole in said.items() if (text := without_head(whole))})

    def _look_for_error_log(self, found: documents.Documents, missing: dict[str, str], output: str) -> None:
        """Add the error log of a JVM that did not write it into the scratch directory.

        HotSpot falls back to its current directory and then to /tmp, or prints the log to stdout if an option says so.
        The project's own JVM may write the log anywhere.
        """
        logs = self._stray_logs()
        log = None if logs is None else logs.of_child(output)
        if (chosen := self._projects_choice()) is not None and logs is not None and logs.is_of_child(chosen):
            log = chosen
        if log is not None:
            document_files.read_one(documents.HS_ERR, log, found, missing)
        elif (printed := documents.error_log_in(output)) is not None and f" pid={self._supervised.pid}," in printed:
            found[documents.HS_ERR] = printed

    def _stray_logs(self) -> StrayLogs | None:
        pid = self._supervised.pid
        return None if pid is None else StrayLogs(pid, self.folder.made_at, self.folder.path, self._current)

    def _remove_stray_logs(self, output: str = "") -> None:
        """Remove the error logs that the child's JVM wrote elsewhere, but not those of the project's own JVM."""
        logs = self._stray_logs()
        if logs is not None and self._settings.jvm is not None and self._projects_choice() is None:
            logs.remove(output)

    def _projects_choice(self) -> Path | None:
        """Return the path of the error log of the project's own JVM; None if this plugin started the JVM."""
        with contextlib.suppress(FileNotFoundError, child_files.UnreadableError):
            return Path(child_files.read_text(self.folder.here / documents.ERROR_FILE))
        return None

    def interrupt_ahead(self) -> Observation | None:
        """End the test that the child runs ahead, and whose report nobody wants any more.

        Return what was seen of that test if it was the child's last: the child has ended after it.
        """
        if self.ahead is None:
            return None
        observation = self._interrupted(None, self._expected(self.ahead), _INTERRUPTS_AHEAD, lambda: None)
        return None if observation.waits_for_order else observation

    def tear_down_interrupted(self, item: pytest.Item, notice: Callable[[], object]) -> Observation | None:
        """Let the child tear down the fixtures of the test that it runs; call after ^C has ended `observe`.

        Return what was seen; None if there was nothing to tear down. `notice` is called if that takes longer than about
        a second.
        """
        phase = self._expects.phase
        # Before the setup there is nothing to tear down. A debugger has got ^C itself, and has not answered.
        if self.waits_for_order or phase in (Phase.FORK, Phase.JVM) or self._lender.lends:
            return None
        observation = self._interrupted(phase, self._expects, _INTERRUPTS, notice)
        self.waits_for_order = observation.waits_for_order
        self.served[item] = None
        return observation

    def _interrupted(
        self,
        phase: Phase | None,
        expected: MessagesOfTest,
        interrupts: tuple[int, int],
        notice: Callable[[], object],
    ) -> Observation:
        self._lender.refuse()
        return self._supervised.observe(
            lambda _: _LIMIT_WHEN_UNWANTED,
            tick=self._interrupting(expected, interrupts, notice),
            expected=expected,
            phase=phase,
        )

    def end(self, place_of: Callable[[pytest.Item], int]) -> ServedTest | None:
        """Order the child to tear down its fixtures and to end; return what was seen, None if there is nothing to tell.

        The end is one more teardown of the test that the child has served last.
        """
        if not self.served:
            # The child did not have its test, and so has set up nothing.
            return None
        last = self.last_served
        observation = self._supervised.observe(
            last.stash[SETTINGS].limit,
            probe=self._probe(),
            is_dying=self._is_dying,
            order=End(self.name_of(last, place_of(last))),
            expected=MessagesOfEnd(last.nodeid, forked=self.is_copy),
        )
        # A child may die while it waits for the order: the teardown has not begun then.
        observation, found = self._with_documents(replace(observation, phase=Phase.TEARDOWN))
        if observation.ended_well and not any(map(observation.first, _AT_END)):
            return None
        return ServedTest(observation, found, self.start_word, self.served, len(self.served) - 1)

    def _interrupting(
        self, expected: MessagesOfTest, interrupts: tuple[int, int], notice: Callable[[], object]
    ) -> Callable[[], object]:
        """Return the `tick` that interrupts a test whose report nobody wants any more, if that test takes long.

        An interrupt, not a kill, because the test's fixtures must still be torn down. A body on a foreign thread goes
        on after the first interrupt, and the main thread waits for the body. A later interrupt ends that wait; it is
        sent in the call only, because it would break a teardown.
        """
        ticks = itertools.count()
        first, second = interrupts

        def tick() -> None:
            number = next(ticks)
            if number == first or (number == second and expected.phase is Phase.CALL):
                self._supervised.interrupt()
            if number == second:
                notice()

        return tick

    def _expected(self, item: pytest.Item) -> MessagesOfTest:
        late = self.starts_jvm_late
        finalizes = item.stash[SETTINGS].finalize
        return MessagesOfTest(
            item.nodeid,
            starts_jvm=self._starts_jvm,
            late=late,
            forked=self.is_copy,
            finalizes=finalizes,
        )

    def close(self, discard: Callable[[ChildFolder], object]) -> None:
        """End the child and call `discard` to remove its directory. May be called again."""
        self._supervised.close(functools.partial(self._clear_up, discard))

    def _clear_up(self, discard: Callable[[ChildFolder], object]) -> None:
        self._remove_stray_logs()
        self.folder.permit()
        # At most once, though `close` may be called again: data that was added twice would count twice.
        if self._takes_coverage:
            self._takes_coverage = False
            file = self.folder.here / f"{documents.COVERAGE}.{documents.COVERAGE_SUFFIX}"
            self.coverage_lost = take_in(file)
        discard(self.folder)

    def _is_dying(self) -> bool:
        return document_files.has_death_document(self.folder.here)

    def _probe(self) -> functools.partial[tuple[dict[str, str], dict[str, str]]]:
        return functools.partial(
            take_documents,
            traceback_file=self.folder.here / documents.PYTHON_HANG,
            dump_signal=DUMP_SIGNAL,
            native_choice=self._settings.native,
            pystack=self._pystack,
        )


def _has_started_jvm(observation: Observation) -> bool:
    began = any(message.phase is Phase.JVM for message in observation.all(PhaseStarted))
    return began and observation.first(JvmFailed) is None


def _crash_watch(settings: Settings, folder: Path, pystack: Pystack) -> CrashWatch | None:
    """Return what looks at a child that is held in its crash; None if the settings want no native stacks."""
    if not native.is_wanted(settings.native):
        return None
    look = functools.partial(take_crash, native_choice=settings.native, pystack=pystack)
    return CrashWatch(folder, look, without_jvm=settings.jvm is None)


def _output(observation: Observation) -> Iterator[str]:
    """Yield the text of each section of the test's reports: the captured output is in them."""
    for message in observation.all(ReportMade):
        sections = message.report.get("sections")
        for section in sections if isinstance(sections, list) else ():
            yield str(section[-1]) if isinstance(section, (list, tuple)) and section else ""


def _current_folder() -> Path | None:
    """Return the current directory; None if it was removed."""
    with contextlib.suppress(OSError):
        return Path.cwd()
    return None
