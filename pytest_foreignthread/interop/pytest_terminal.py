"""pytest's terminal reporter: how to find it, and what is read and changed there because no hook exists for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import pytest

_NAME: Final = "terminalreporter"


def terminal_of(config: pytest.Config) -> Any:
    """Return the terminal reporter; None in an xdist worker.

    The only hook that has it is `pytest_terminal_summary`, at the end of a run.
    """
    return config.pluginmanager.getplugin(_NAME)


def note_interrupt(config: pytest.Config, nodeid: str) -> None:
    """Write to the terminal, if there is one, why the run does not end at once."""
    if (terminal := terminal_of(config)) is not None:
        terminal.ensure_newline()
        terminal.write_line(f"interrupted: the fixtures of {nodeid} are torn down; ^C again ends the test's process")


def replace_terminal(config: pytest.Config, stand_in: Callable[[Any], object]) -> None:
    """Replace the terminal reporter under its name, by which other plugins look for it."""
    # Imported here: a run without foreign-thread tests imports this module.
    from .hook_calls import register_hooks

    if (terminal := terminal_of(config)) is not None:
        config.pluginmanager.unregister(terminal)
        register_hooks(config, stand_in(terminal), _NAME)


def count_in_red(terminal: Any, categories: Collection[str]) -> None:
    """Print the counts of these categories in red; pytest prints unknown categories in yellow."""
    closing_parts = terminal.build_summary_stats_line

    def with_red_parts() -> tuple[list[tuple[str, dict[str, bool]]], str]:
        parts, colour = closing_parts()
        red = {"red": True, "bold": True}
        return [(part, red if part.partition(" ")[2] in categories else markup) for part, markup in parts], colour

    terminal.build_summary_stats_line = with_red_parts


def add_to_last_line(terminal: Any, words: Sequence[str]) -> None:
    """Add words in red to the counts of the last line, for which no hook exists."""
    closing_parts = terminal.build_summary_stats_line

    def with_words() -> tuple[list[tuple[str, dict[str, bool]]], str]:
        parts, colour = closing_parts()
        return [*parts, *((word, {"red": True, "bold": True}) for word in words)], colour

    terminal.build_summary_stats_line = with_words


@contextmanager
def timed_besides(terminal: Any, phases: Sequence[object]) -> Iterator[None]:
    """Let `--durations` show these phases as well.

    pytest reads the durations from all reports that the terminal has counted.
    """
    uncounted = terminal.stats.setdefault("", [])
    uncounted += phases
    try:
        yield
    finally:
        # A hook of another plugin may have added to the list meanwhile.
        uncounted[:] = [report for report in uncounted if not any(report is phase for phase in phases)]


def colour_red(terminal: Any) -> None:
    """Make the last line red: pytest does so if there is a list of failures, even an empty list."""
    terminal.stats.setdefault("failed", [])


def reports_of(terminal: Any, category: str) -> list[Any]:
    """Return the reports that were logged with this category; the terminal's `stats` has no public accessor."""
    return list(terminal.stats.get(category, ()))


def shows_failures_at_once(terminal: Any) -> bool:
    """Return whether the terminal is pytest-instafail's or pytest-sugar's, which prints each failure at once."""
    return hasattr(terminal, "print_failure")


def shows_in_summary(terminal: Any, letter: str) -> bool:
    """Return whether `-r` includes the letter; only the terminal knows which letters of several `-r` remain."""
    return bool(terminal.hasopt(letter))


@contextmanager
def output_kept_blocking(config: pytest.Config) -> Iterator[None]:
    """Make the file that the terminal writes to blocking again if it is so at first and a child has changed that.

    Children share this file. Python drops what a non-blocking file has no room for: the output would lack lines.
    """
    descriptor = None
    # An xdist worker has no terminal, and a terminal of another plugin may write to no file.
    with suppress(AttributeError, OSError, ValueError):
        number = terminal_of(config)._tw._file.fileno()
        descriptor = number if os.get_blocking(number) else None
    try:
        yield
    finally:
        with suppress(OSError):
            if descriptor is not None and not os.get_blocking(descriptor):
                os.set_blocking(descriptor, True)


@contextmanager
def titles_noted(terminal: Any) -> Iterator[list[str]]:
    """Yield a list to which the titles that the terminal writes are added.

    Nothing else tells whether pytest has begun its short summary.
    """
    titles: list[str] = []
    write_sep = terminal.write_sep

    def noting(sep: str, title: str | None = None, *args: Any, **markup: Any) -> None:
        titles.append(title or "")
        write_sep(sep, title, *args, **markup)

    terminal.write_sep = noting
    try:
        yield titles
    finally:
        terminal.write_sep = write_sep
