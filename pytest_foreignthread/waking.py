"""What is made of this plugin once a run has a use for it: an option, a marked test, the report of one."""

from __future__ import annotations

import pytest

from . import beside, live, options
from .items import is_foreign
from .matrix_terminal import MatrixPart
from .own_modes import known_modes
from .run import Run
from .selection import SELECTION
from .terminal import TerminalPart


def woken(config: pytest.Config) -> Run:
    """Raise UsageError for an option that makes no sense."""
    chosen = options.configured(config, known_modes(config))
    config.stash[live.CHOICE] = chosen["live"]
    run = Run(config, chosen)
    config.pluginmanager.register(run, "foreign_thread_run")
    config.pluginmanager.register(run.results, "foreign_thread_results")
    beside.register(config)
    return run


def add_to_terminal(config: pytest.Config, run: Run) -> None:
    """Call once the session has begun; where there is no terminal, as in an xdist worker, nothing is added."""
    terminal = config.pluginmanager.getplugin("terminalreporter")
    if terminal is not None:
        config.pluginmanager.register(TerminalPart(terminal), "foreign_thread_terminal")
        part = MatrixPart(terminal, run.results)
        config.pluginmanager.register(part, "foreign_thread_matrix_terminal")
        live.register(config, config.stash[SELECTION].modes, is_foreign)
