"""The value of each option in one run.

`options.configured` imports this module, and only a run that needs the plugin calls it: a dataclass takes long to make.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..model.stress_choice import Amount, Seed


@dataclass(frozen=True, kw_only=True)
class Options:
    """An attribute for each option of `option_table`, which documents it; None if the user has chosen no value."""

    timeout: float
    jvm: str | None
    jvm_args: tuple[str, ...]
    jvm_profile: str
    classpath: tuple[str, ...]
    isolation: str | None
    bisect: int
    check: tuple[str, ...]
    stress: Amount | None
    stress_seed: Seed | None
    stress_threads: int
    stress_shrink: float
    stress_stop: bool
    start: str | None
    ready: int | None
    message_limit: int
    stack: int | None
    block_signals: bool
    finalize: bool
    native: str
    live: str
    faulthandler: str
    end_process: bool
    cache: bool
    cache_clear: bool
    forked: bool
    matrix: bool
    modes: tuple[str, ...]
    all: bool
    baseline: str | None
    update_baseline: bool
    doctor: str | None
    explain: str | None
    artifacts: str | None
    report: tuple[str, ...]
