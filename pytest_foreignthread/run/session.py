"""What one run of pytest holds for its foreign-thread tests, from collection to the end of the session."""

from __future__ import annotations

import functools
import itertools
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from ..collect import items as foreign_items
from ..collect.activation import is_marked
from ..collect.identity import as_typed
from ..collect.selection import SELECTION, selection_of
from ..config.options import jvm_source
from ..config.stash_keys import FILTERS, FRESH, SETTINGS, USAGE_ERROR
from ..interop.loops import IN_CHILDREN, InChildrenOnly, loops_of
from ..interop.temporary_folders import make_base_folder
from ..jvm import finding
from ..model.settings import Jvm
from ..report.kept.environment import rerun_options, surroundings, usable_processors, versions
from ..report.pytest import phases, pytest_reports
from ..report.pytest.recorded_warnings import replay
from . import against_baseline
from .results import Results
from .shared_fixtures import SharedFixtures
from .start_method import Starts
from .threads_before_fork import ThreadsWarning, native_ids

if TYPE_CHECKING:
    from ..jvm.archive.use import CacheOfRun
    from ..model.observation import SessionStopped
    from ..model.records import RunRecord
    from ..report.kept.artifacts import Artifacts
    from ..report.pytest.not_run import Result
    from .runner import Runner

_CAN_FORK: Final = hasattr(os, "fork")
_NO_FORK: Final = (
    f"needs a child of pytest, and this platform cannot fork ({sys.platform}): run it on Linux, or mark it with "
    "pytest.mark.skipif(not hasattr(os, 'fork'), reason=...)"
)


class Run:
    """Made with the options' values; the JVM and the runner come when a test needs them."""

    def __init__(
        self, config: pytest.Config, options: dict[str, Any], doctors_block: Callable[[CacheOfRun | None], str]
    ) -> None:
        self._config = config
        self._options = options
        self._known = against_baseline.load(options)
        config.stash[SELECTION] = selection_of(config, options)
        self.results = Results(config, options, config.stash[SELECTION], self._known)
        self._runner: Runner | None = None
        self._scratch: Any = None
        self._order: list[str] = []
        self._fixtures = SharedFixtures(config)
        self.starts = Starts(options["start"])
        self._filters = config.stash[FILTERS]
        self._users_filters = self._filters
        """With those of command line and ini file, which pytest has in force for parts of a run."""
        self.jvm: Jvm | None = None
        """That of the tests which need one."""
        self._forked = 0
        """Tests that are here because pytest-forked would fork them, for nothing else."""
        self.cache = self._make_cache() if options["cache_clear"] else None
        # What it tells is the same for each failure of the run. No property: some releases of pytest, 8.2 for one, look
        # for fixtures in the values of all that a plugin has.
        self._doctors_block = functools.cache(lambda: doctors_block(self.cache))

    def prepare(self, items: Sequence[pytest.Item]) -> None:
        """Find the JVM and give each foreign-thread test its settings; raise UsageError."""
        if self._config.stash.get(FRESH, False):
            return
        self._users_filters = tuple(warnings.filters)
        foreign = [item for item in items if foreign_items.is_foreign(item)]
        runs_of = foreign_items.runs_of_matrix(items)
        self.results.collected([item.nodeid for item in items], foreign_items.census(items, runs_of), runs_of)
        with self._controller_told():
            foreign_items.check_markers(item for item in items if foreign_items.is_foreign(item) or is_marked(item))
            if not foreign or self._config.getoption("collectonly", False):
                return
            self._forked = sum(not foreign_items.needs_jvm(item) for item in foreign)
            if self._forked < len(foreign) and _CAN_FORK:
                self._choose_jvm()
            self.give_settings(foreign, self.jvm)
            if not self._config.pluginmanager.is_registered(self._fixtures):
                self._config.pluginmanager.register(self._fixtures, "foreign_thread_shared_fixtures")
                guard = InChildrenOnly(lambda item: SETTINGS in item.stash)
                self._config.pluginmanager.register(guard, IN_CHILDREN)

    def header(self) -> Iterator[str]:
        """Yield what a run says of itself before its first test."""
        if self.jvm is not None:
            yield from self.starts.header(f"{self.jvm}; {self.cache}")
        if self._forked:
            tests = "1 forked test runs in a" if self._forked == 1 else f"{self._forked} forked tests run in"
            children = "supervised child" if self._forked == 1 else "supervised children"
            left = "it" if self._forked == 1 else "them"
            yield f"foreign-thread: {tests} {children}; foreign_thread_forked=false leaves {left} to pytest-forked"

    def _choose_jvm(self) -> None:
        try:
            self.jvm = self._find_jvm()
        except finding.JvmNotFound as error:
            raise pytest.UsageError(str(error)) from None
        self.cache = self.cache or self._make_cache()
        self.cache.prepare(self.jvm, self._options["jvm_args"], self._options["jvm_profile"])

    def give_settings(self, items: Iterable[pytest.Item], jvm: Jvm | None) -> None:
        """Store the settings of each foreign-thread test in its item's stash."""
        foreign = [item for item in items if foreign_items.is_foreign(item)]
        foreign_items.give_settings(foreign, self._options, jvm, self._known)

    def _make_cache(self) -> CacheOfRun:
        # Imported here: few runs of pytest have a foreign-thread test.
        from ..jvm.archive.use import CacheOfRun

        clears = self._options["cache_clear"] and not hasattr(self._config, "workerinput")
        cache = CacheOfRun(wanted=self._options["cache"], clears=clears)
        self._config.pluginmanager.register(cache, "foreign_thread_cache")
        return cache

    def _find_jvm(self) -> Jvm:
        return finding.find_jvm(self._options["jvm"], jvm_source(self._config))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Run a foreign-thread test and log its reports; None for a test that is not one.

        Of those that want to be first pytest asks the one first that was registered last, as this object is: where
        pytest-forked was, it would fork before.
        """
        self._order.append(item.nodeid)
        self._announce(nextitem)
        if SETTINGS not in item.stash:
            self._fixtures.ordinary_tests_ran = True
            if self._runner is not None:
                self._runner.children.drop_ready()
            return None
        if not self._in_loop(item, nextitem):
            self._once(item, nextitem)
        return True

    @pytest.hookimpl(optionalhook=True)
    def pytest_timeout_set_timer(self, item: pytest.Item) -> bool | None:
        """pytest-timeout arms none then, neither here, where it would end the run, nor in the child."""
        return SETTINGS in item.stash or None

    def _once(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        with self._started(item):
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            result = self._run(item, nextitem)
            carried = pytest_reports.take_carried(result.reports)
            self.results.tell_verdict(result.reports)
            for report in self._fixtures.tear_down(item, nextitem, result.reports):
                item.ihook.pytest_runtest_logreport(report=report)
            for report in _hand_on(item, carried):
                item.ihook.pytest_runtest_logreport(report=report)
            item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
            _close(item, result)

    @contextmanager
    def _started(self, item: pytest.Item) -> Iterator[None]:
        """Let the test have an entry in the report also where the run ends, or this process dies, before it has one."""
        from ..report.pytest.not_run import bare_entry

        self.results.last_started.begin(bare_entry(item, item.stash[SETTINGS]))
        try:
            yield
        # ^C, pytest.exit() and a JVM that does not start among them.
        except BaseException as error:
            self.results.last_started.end_by(error)
            raise

    def _announce(self, nextitem: pytest.Item | None) -> None:
        settings = nextitem.stash.get(SETTINGS, None) if nextitem is not None else None
        if nextitem is None or settings is None:
            self.results.last_started.announce(None)
        else:
            from ..report.pytest.not_run import bare_entry

            self.results.last_started.announce(functools.partial(bare_entry, nextitem, settings))

    def _in_loop(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Leave the test to a plugin that runs it as often as it likes; False where there is none."""
        if not loops_of(self._config):
            return False
        # Imported here: few runs of pytest have such a plugin.
        from .reruns import Round, run_in_loop

        numbers = itertools.count()

        def run() -> Round:
            result = self._run(item, nextitem)
            errors = [*_hand_on(item, pytest_reports.take_carried(result.reports))]
            pytest_reports.number_round(result.reports, next(numbers))
            self.results.tell_verdict(result.reports)
            _close(item, result)
            return Round([*result.reports, *errors], result.raised)

        with self._started(item):
            if not run_in_loop(item, nextitem, run):
                self.results.last_started.reported()
                return False
        # Not between the rounds: what no later test needs the next round may.
        for report in self._fixtures.tear_down(item, nextitem, []):
            if report.failed:
                item.ihook.pytest_runtest_logreport(report=report)
        return True

    def _run(self, item: pytest.Item, nextitem: pytest.Item | None) -> Result:
        phases.begin(item)
        unable = None if _CAN_FORK else self._unable
        return self._skipped(item) or (unable or self._not_set_up)(item) or self._result(item, nextitem)

    def _skipped(self, item: pytest.Item) -> Result | None:
        """Evaluate skip and xfail marks: a skipped test needs no child, and xfail must hold for a child's death."""
        skipping = self._config.pluginmanager.getplugin("skipping")
        if skipping is None:
            return None
        stops = (KeyboardInterrupt, pytest.exit.Exception)
        call = pytest.CallInfo.from_call(lambda: skipping.pytest_runtest_setup(item), when="setup", reraise=stops)
        return _ended(item, call)

    def _unable(self, item: pytest.Item) -> Result | None:
        def refuse() -> None:
            pytest.fail(f"{item.nodeid} {_NO_FORK}", pytrace=False)

        return _ended(item, pytest.CallInfo.from_call(refuse, when="setup"))

    def _not_set_up(self, item: pytest.Item) -> Result | None:
        call = self._fixtures.finish_unfit(item)
        if call is not None and self._runner is not None:
            # Those that live hold copies of what was torn down.
            self._runner.children.drop_ready()
            self._runner.children.retire(item)
        return _ended(item, call) if call is not None else None

    def _result(self, item: pytest.Item, nextitem: pytest.Item | None) -> Result:
        with self._controller_told():
            runner = self._runner or self._make_runner(item.session)
            return runner.run(item, nextitem)

    @contextmanager
    def _controller_told(self) -> Iterator[None]:
        """Let a UsageError in an xdist worker reach the controller, which would see a worker that breaks off."""
        try:
            yield
        except pytest.UsageError as error:
            if (output := getattr(self._config, "workeroutput", None)) is not None:
                output[USAGE_ERROR] = str(error)
            raise

    def _make_runner(self, session: pytest.Session) -> Runner:
        # Imported here, jpype with it where a JVM is needed: a run without such tests pays for none of it, and a child
        # need not import.
        from ..supervise.process.signals import SignalsHeld

        # A ^C while jpype's C part is being imported gets lost in it.
        with SignalsHeld():
            from ..supervise.process.scratch import ScratchRoot
            from .children import Children
            from .isolation import number_ready
            from .runner import Runner

            before = native_ids()
            if self.jvm is not None:
                _import_jpype()
            # jpype imports numpy where that is installed, and its OpenBLAS starts threads.
            own = native_ids() - before

        self._scratch = ScratchRoot()
        make_base_folder(session)
        workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
        ready = number_ready(self._options["ready"], usable_processors(), workers)
        self.cache = self.cache or self._make_cache()
        children = Children(
            session,
            self._scratch,
            self._fixtures,
            self._filters,
            ready=ready,
            with_cache=self.cache.given_to,
            starts=self.starts,
            before_fork=ThreadsWarning(self._config, self._users_filters, own).before_fork,
        )
        self._runner = Runner(children, self._artifacts())
        return self._runner

    def _artifacts(self) -> Artifacts:
        from ..report.kept.artifacts import Artifacts

        if self._options["artifacts"]:
            return Artifacts(Path(self._options["artifacts"]), bundle=self._bundle)
        cache = getattr(self._config, "cache", None)
        try:
            return Artifacts(cache.mkdir("foreign_thread") if cache is not None else None)
        except OSError as error:
            return Artifacts(None, str(error))

    def _bundle(self, record: RunRecord, traceback: str) -> dict[str, str]:
        from ..report.kept import bundle

        around = bundle.Surroundings(
            environment={**versions(self.jvm), **surroundings(self._config)},
            order=[as_typed(self._config, nodeid) for nodeid in self._order],
            options=rerun_options(self._config),
            hash_seed=os.environ.get("PYTHONHASHSEED"),
            doctor=self._doctors_block(),
        )
        return bundle.texts(record, traceback, around)

    def environment(self) -> dict[str, Any]:
        needed = any(entry["jvm"] for entry in self.results.entries)
        return versions(self.jvm or (self._find_jvm() if needed else None))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Children that live have fixtures to tear down."""
        if self._runner is not None:
            self._runner.children.finish()

    def close(self) -> None:
        try:
            self._close_children()
        finally:
            if self.cache is not None:
                self.cache.close()

    def _close_children(self) -> None:
        if self._scratch is None:
            return
        from ..supervise.process.signals import retry_interrupted

        # A second ^C would leave half of it.
        if self._runner is not None:
            retry_interrupted(self._runner.children.close)
        retry_interrupted(self._scratch.close)


def _import_jpype() -> None:
    """Import what a child with a JVM needs, so that no child has to; raise UsageError."""
    try:
        from ..child.java import uncaught  # noqa: F401
    # JPype's C part, and numpy, which it imports, may fail in many ways.
    except Exception as error:
        words = f"JPype cannot be imported ({type(error).__name__}: {error})"
        raise pytest.UsageError(
            f"{words}: pip install --force-reinstall jpype1, and try: python -c 'import jpype'"
        ) from None


def _ended(item: pytest.Item, call: pytest.CallInfo[None]) -> Result | None:
    """Return the result of a test that ends with this step; None where the step let it go on."""
    if call.excinfo is None:
        return None
    from ..report.pytest.not_run import not_run

    return not_run(item, item.stash[SETTINGS], call)


def _hand_on(item: pytest.Item, carried: Mapping[str, Any] | None) -> Iterator[pytest.TestReport]:
    """Let plugins take what the test's child had for them; yield the error of one that could not.

    They count on their own data, and a test may have put in what it likes.
    """

    def hand_on() -> None:
        item.ihook.pytest_foreign_thread_carried(item=item, data=carried)

    stops = (KeyboardInterrupt, pytest.exit.Exception)
    call = pytest.CallInfo.from_call(hand_on, when="teardown", reraise=stops)
    if call.excinfo is not None:
        yield phases.make_report(item, call)


def _close(item: pytest.Item, result: Result) -> None:
    replay(item, result.warnings)
    if result.stop is not None:
        _stop_session(result.stop)


def _stop_session(stop: SessionStopped) -> None:
    if stop.kind == "interrupt":
        raise KeyboardInterrupt(stop.reason)
    pytest.exit(stop.reason, returncode=stop.returncode)
