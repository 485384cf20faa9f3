"""All examinations in their order: with trials for the command, without trials for the bundles of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import pytest

from ..config.chosen_options import Options
from ..config.options import source_of
from ..config.settings_of_test import settings_for
from ..jvm.archive.use import CacheOfRun
from ..model.choices import MODES
from ..model.modes import NO_JVM, OwnMode
from ..model.settings import Jvm
from ..report.kept.redaction import LEFT_OUT, has_secret, without_secrets
from ..supervise.process.scratch import ScratchError, ScratchRoot
from . import cache, child_inspection, interpreters, jvm_list, machine, plugins, project, python_side
from .findings import Finding

_TRIES: Final = "pytest --foreign-thread-doctor tries fork, JVM and callbacks"


@dataclass(frozen=True)
class Asked:
    """The run that is examined: its configuration, the values of this plugin's options, and the project's own modes."""

    config: pytest.Config
    options: Options
    own_modes: Mapping[str, OwnMode]


def everything(asked: Asked) -> list[Finding]:
    """Return the findings of all examinations and trials. This takes a few seconds and leaves no process or file."""
    used, found = jvm_list.examine(asked.options.jvm, source_of(asked.config, "jvm"))
    of_run = _cache(asked, used)
    findings = [*_surroundings(asked), *found, *machine.examine(), cache.state(of_run), cache.place()]
    return shown([*findings, *_trials(asked, used, of_run, findings)])


def at_a_glance(asked: Asked, of_run: CacheOfRun | None) -> list[Finding]:
    """Return the findings of all examinations that start no process: a run under way must not be disturbed."""
    _, found = jvm_list.examine(asked.options.jvm, source_of(asked.config, "jvm"))
    findings = [*_surroundings(asked), *found, *machine.examine(), cache.state(of_run), cache.place()]
    without = Finding(child_inspection.SECTION, "trials", "ok", f"none in a run under way: {_TRIES}")
    return shown([*findings, child_inspection.pystack_by_itself(asked.options.native), without])


def _surroundings(asked: Asked) -> Iterator[Finding]:
    yield from python_side.examine(asked.config)
    yield from plugins.examine(asked.config, asked.options)
    yield from project.examine(asked.config, asked.options, (*MODES, *asked.own_modes))


def _cache(asked: Asked, used: Jvm | None) -> CacheOfRun | None:
    if used is None:
        return None
    of_run = CacheOfRun(wanted=asked.options.cache, clears=False, makes=False)
    of_run.prepare(used, asked.options.jvm_args, asked.options.jvm_profile)
    return of_run


def _trials(asked: Asked, used: Jvm | None, of_run: CacheOfRun | None, before: Sequence[Finding]) -> Iterator[Finding]:
    yield interpreters.fork()
    yield interpreters.spawn()
    if asked.options.jvm == NO_JVM:
        yield Finding("trial", "JVM", "ok", "not tried: foreign_thread_jvm is none, so no test has one")
        return
    broken = any(one.name == "JPype" and one.level == "problem" for one in before)
    if used is None or of_run is None or broken:
        yield Finding("trial", "JVM", "note", "not tried", "mend the problem above first")
        return
    # Imported here, because this module imports JPype, which may be missing.
    from . import trial_run

    try:
        with ScratchRoot() as scratch:
            settings = of_run.given_to(settings_for({}, "new", "new", asked.options, used))
            settings = replace(settings, own_modes=asked.own_modes)
            yield from trial_run.try_all(settings, scratch, (*MODES, *asked.own_modes))
    except ScratchError as error:
        reason, _, help = str(error).partition("; ")
        yield Finding("trial", "scratch files", "problem", reason, help or "set TMPDIR to a directory of yours")


def shown(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings without what looks like a secret, because people paste them into issues."""
    return [replace(one, value=_without_secrets(one.value), advice=_without_secrets(one.advice)) for one in findings]


def _without_secrets(value: str) -> str:
    if not has_secret(value):
        return value
    left = " ".join(without_secrets(value.split(" ")))
    return LEFT_OUT if has_secret(left.replace(LEFT_OUT, "")) else left
