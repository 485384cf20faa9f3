"""What one run of pytest holds for its foreign-thread tests, from the collection to the end of the session."""

from __future__ import annotations

import functools
import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import pytest

from ..collect import items as foreign_items
from ..collect.activation import is_marked
from ..collect.own_modes import known_modes
from ..collect.selection import SELECTION, selection_of
from ..config.chosen_options import Options
from ..config.options import source_of
from ..config.stash_keys import FILTERS, FRESH, LEAVE_CACHE, SETTINGS
from ..config.stress_options import check_rounds, check_stress
from ..interop import monkey_patches
from ..interop.loops import guard
from ..interop.pytest_plugins import records_warnings
from ..interop.xdist import is_worker, uid_of_run, worker_id
from ..jvm import finding
from ..model.checkers import CHECKS, JNI, OF_INTERPRETER
from ..model.settings import Jvm
from ..model.stress_choice import Seed
from ..report.kept.environment import versions
from ..stress.seeds import new_run_seed
from . import against_baseline
from .results import Results
from .shared_fixtures import SharedFixtures
from .start_method import Starts
from .warning_of_run import show
from .worker_errors import errors_for_controller

if TYPE_CHECKING:
    from ..jvm.archive.use import CacheOfRun
    from .runner import Runner

CAN_FORK: Final = hasattr(os, "fork")


class Run:
    """The state of one run. The JVM is found, and the runner made, when a test first needs them."""

    def __init__(
        self, config: pytest.Config, options: Options, doctors_block: Callable[[CacheOfRun | None], str]
    ) -> None:
        self.config = config
        self.options = options
        self._known = against_baseline.load(options, known_modes(config))
        check_stress(config)
        self._seed = options.stress_seed
        self._stressed = Counter[int]()
        """The number of threads of a round → the tests of this process that are stressed so."""
        self._checked: set[tuple[tuple[str, ...], bool]] = set()
        """Checkers that tests of this process ask for, and whether such a test has a JVM."""
        config.stash[SELECTION] = selection_of(config, options)
        self.results = Results(config, options, config.stash[SELECTION], self._known)
        self.fixtures = SharedFixtures(config)
        self.starts = Starts(options.start)
        self.filters = config.stash[FILTERS]
        self.users_filters = self.filters
        """`filters` and those of the command line and the ini file, which pytest applies in parts of a run only."""
        self.jvm: Jvm | None = None
        """The JVM of the tests that need one."""
        self.order: list[str] = []
        """The node ids of the tests that have begun, ordinary tests too."""
        self.runner: Runner | None = None
        """What runs a foreign-thread test; None until the first of these tests runs."""
        self._forked = 0
        """Number of tests that run in a child only because pytest-forked would fork them."""
        self._foreign = 0
        """Number of tests that are foreign-thread tests for another reason."""
        self._cache = self._new_cache() if options.cache_clear else None
        # Cached because the text is the same for each failure of the run.
        self.doctors_block = functools.cache(lambda: doctors_block(self._cache))

    def prepare(self, items: Sequence[pytest.Item]) -> None:
        """Find the JVM and store the settings of each foreign-thread test.

        Raise UsageError if a marker is wrong, if no JVM is found, or if a JVM that already runs prevents the run.
        """
        if self.config.stash.get(FRESH, False):
            return
        self.users_filters = tuple(warnings.filters)
        monkey_patches.step_around()
        foreign = [item for item in items if foreign_items.is_foreign(item)]
        runs_of = foreign_items.runs_of_matrix(items)
        self.results.collected([item.nodeid for item in items], foreign_items.census(items, runs_of), runs_of)
        with errors_for_controller(self.config):
            known = frozenset(foreign)
            foreign_items.check_markers(item for item in items if item in known or is_marked(item))
            check_rounds(self.config, self.options, map(foreign_items.marked_stress, foreign))
            if not foreign or self.config.getoption("collectonly", False):
                return
            foreign_items.check_no_jvm(foreign, self.options)
            self._forked = sum(not foreign_items.is_more_than_forked(item) for item in foreign)
            self._foreign = len(foreign) - self._forked
            if CAN_FORK and any(foreign_items.needs_jvm(item, self.options) for item in foreign):
                self._choose_jvm()
            self.give_settings(foreign, self.jvm)
            self.starts.check(self._checks())
            if self.jvm is not None:
                self._warn_of_class_paths(foreign)
            if not self.config.pluginmanager.is_registered(self.fixtures):
                self.config.pluginmanager.register(self.fixtures, "foreign_thread_shared_fixtures")
                guard(self.config, lambda item: SETTINGS in item.stash)

    def header(self) -> Iterator[str]:
        """Yield the lines that pytest's header shows about the foreign-thread tests."""
        if self._foreign and CAN_FORK:
            yield from self.starts.header(None if self.jvm is None else f"{self.jvm}; {self.cache()}")
        yield from self._checkers_line()
        if self._stressed:
            tests = "1 test runs" if self._stressed.total() == 1 else f"{self._stressed.total()} tests run"
            threads = self._threads_of_rounds()
            yield f"foreign-thread: {tests} in rounds of a shaken schedule, seed {self.stress_seed}{threads}"
        if self._forked:
            tests = "1 forked test runs in a" if self._forked == 1 else f"{self._forked} forked tests run in"
            children = "supervised child" if self._forked == 1 else "supervised children"
            left = "it" if self._forked == 1 else "them"
            yield f"foreign-thread: {tests} {children}; foreign_thread_forked=false leaves {left} to pytest-forked"

    def _threads_of_rounds(self) -> str:
        if self.options.stress_threads == 1 and [*self._stressed] == [1]:
            return ""
        numbers = sorted(self._stressed.items(), reverse=True)
        return "; " + ", ".join(
            ("1 test" if tests == 1 else f"{tests} tests")
            + (" on 1 thread" if threads == 1 else f" on {threads} threads at once")
            for threads, tests in numbers
        )

    def _checks(self) -> list[str]:
        """Return the checkers that tests of this process ask for."""
        return [name for name in CHECKS if any(name in checks for checks, _ in self._checked)]

    def _checkers_line(self) -> Iterator[str]:
        """Yield a line on the checkers of the run's tests, with what a checker cannot check."""
        named = self._checks()
        if not named:
            return
        where = ", in fresh interpreters" if not OF_INTERPRETER.isdisjoint(named) else ""
        blind = JNI in named and not any(JNI in checks and has_jvm for checks, has_jvm in self._checked)
        note = f"; {JNI} checks nothing, because no test that asks for it has a JVM" if blind else ""
        yield f"foreign-thread: checkers: {', '.join(named)}{where}{note}"

    def _choose_jvm(self) -> None:
        try:
            self.jvm = self._find_jvm()
        except finding.JvmNotFound as error:
            raise pytest.UsageError(str(error)) from None
        self.cache().prepare(self.jvm, self.options.jvm_args, self.options.jvm_profile)

    def _warn_of_class_paths(self, items: Sequence[pytest.Item]) -> None:
        """Warn of class paths that lead to nothing. Raise UsageError if a filter makes this very warning an error.

        Of xdist's workers only the first warns: all would say the same.
        """
        if worker_id(self.config) not in (None, "gw0") or not records_warnings(self.config):
            return
        # Imported here: few runs of pytest have a test that needs a JVM.
        from ..collect import class_path

        for text in class_path.warnings_for(self.config, self.options.classpath, items):
            try:
                show(self.config, self.users_filters, class_path.ClassPathWarning(text))
            except class_path.ClassPathWarning:
                raise pytest.UsageError(text) from None

    def give_settings(self, items: Iterable[pytest.Item], jvm: Jvm | None) -> None:
        """Store the settings of each foreign-thread test in its item's stash."""
        foreign = [item for item in items if foreign_items.is_foreign(item)]
        foreign_items.give_settings(foreign, self.options, jvm, self._known, self.stress_seed)
        settings = [item.stash[SETTINGS] for item in foreign]
        self._stressed = Counter(one.stress_threads for one in settings if one.stress is not None)
        self._checked = {(one.checks, one.jvm is not None) for one in settings if one.checks}

    @property
    def stress_seed(self) -> Seed:
        """The seed of the run's rounds: the user's, or one that all workers of xdist have."""
        if self._seed is None:
            self._seed = new_run_seed(uid_of_run(self.config))
        return self._seed

    def cache(self) -> CacheOfRun:
        """Return the class archive of the run's JVM. The first call makes the object."""
        if self._cache is None:
            self._cache = self._new_cache()
        return self._cache

    def _new_cache(self) -> CacheOfRun:
        # Imported here: few runs of pytest have a test that needs a JVM.
        from ..jvm.archive.use import CacheOfRun

        clears = self.options.cache_clear and not is_worker(self.config)
        cache = CacheOfRun(wanted=self.options.cache, clears=clears)
        self.config.pluginmanager.register(cache, "foreign_thread_cache")
        self.config.stash[LEAVE_CACHE] = cache.leave_to_parent
        return cache

    def _find_jvm(self) -> Jvm:
        return finding.find_jvm(self.options.jvm, source_of(self.config, "jvm"))

    def environment(self) -> dict[str, Any]:
        """Return the versions for the report, with that of the JVM if a test needed a JVM."""
        needed = any(entry["jvm"] for entry in self.results.entries)
        return versions(self.jvm or (self._find_jvm() if needed else None))

    def close(self) -> None:
        """End each child and the process that builds the archive, and remove the scratch directories."""
        try:
            if self.runner is not None:
                self.runner.children.close()
        finally:
            if self._cache is not None:
                self._cache.close()
