"""Assembles the `Runner` of a session, when the first foreign-thread test is about to run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from ..collect.identity import as_typed
from ..interop.pytest_temporary_folders import make_base_folder
from ..model.records import RunRecord
from ..model.settings import Settings
from ..report.kept.artifacts import Artifacts
from ..report.kept.environment import rerun_options, surroundings, usable_processors, versions
from ..supervise.process.scratch import ScratchRoot
from ..supervise.process.signals import SignalsHeld
from .session import Run
from .threads_before_fork import ThreadsWarning, native_ids

if TYPE_CHECKING:
    from .runner import Runner

_WORKERS: Final = "PYTEST_XDIST_WORKER_COUNT"


def new_runner(run: Run, session: pytest.Session) -> Runner:
    """Return the runner of the session. Raise UsageError if JPype is needed and cannot be imported."""
    # jpype's C part swallows a ^C that arrives while it is being imported.
    with SignalsHeld():
        from .child_factory import ChildFactory, ForkSettings
        from .children import Children
        from .isolation import Places, number_ready
        from .runner import Runner

        before = native_ids()
        if run.jvm is not None:
            _import_jpype()
        # jpype imports numpy if it is installed, and numpy's OpenBLAS starts threads.
        own = native_ids() - before

    make_base_folder(session)
    threads = ThreadsWarning(run.config, run.users_filters, own)
    # Without a JVM there is no class archive, and its modules are not imported.
    with_cache = run.cache().given_to if run.jvm is not None else _unchanged
    settings = ForkSettings(run.filters, with_cache, threads.before_fork)
    places = Places(session.items)
    factory = ChildFactory(run.config, places, ScratchRoot(), run.fixtures, run.starts, settings)
    ready = number_ready(run.options.ready, usable_processors(), int(os.environ.get(_WORKERS, "1")))
    children = Children(run.config, places, run.fixtures, factory, ready, run.results.child_costs)
    return Runner(children, _artifacts(run), run.options.bisect)


def _unchanged(settings: Settings) -> Settings:
    return settings


def _artifacts(run: Run) -> Artifacts:
    if run.options.artifacts:
        return Artifacts(Path(run.options.artifacts), bundle=lambda record, text: _bundle(run, record, text))
    cache = getattr(run.config, "cache", None)
    try:
        return Artifacts(cache.mkdir("foreign_thread") if cache is not None else None)
    except OSError as error:
        return Artifacts(None, str(error))


def _bundle(run: Run, record: RunRecord, traceback: str) -> dict[str, str]:
    # Imported here: most runs make no bundle.
    from ..report.kept import bundle

    around = bundle.Surroundings(
        environment={**versions(run.jvm), **surroundings(run.config)},
        order=[as_typed(run.config, nodeid) for nodeid in run.order],
        options=rerun_options(run.config),
        hash_seed=os.environ.get("PYTHONHASHSEED"),
        doctor=run.doctors_block(),
    )
    return bundle.texts(record, traceback, around)


def _import_jpype() -> None:
    """Import jpype before the first fork, so that no child has to. Raise UsageError if jpype cannot be imported.

    The import saves about 20 ms in each child. It starts no JVM: a forked JVM would not work.
    """
    try:
        from ..child.java import uncaught  # noqa: F401
    # An import of C code (JPype's, and that of numpy, which JPype imports) may raise any exception.
    except Exception as error:
        words = f"JPype cannot be imported ({type(error).__name__}: {error})"
        raise pytest.UsageError(
            f"{words}: pip install --force-reinstall jpype1, and try: python -c 'import jpype'"
        ) from None
