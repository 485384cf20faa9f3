"""pytest's terminal reporter: who it is, and what is read and changed there for which it has no hook."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import pytest

_NAME: Final = "terminalreporter"


def terminal_of(config: pytest.Config) -> Any:
    """Return the terminal reporter; None in an xdist worker.

    `pytest_terminal_summary` is the only hook that hands it over, which is at the end of a run.
    """
    return config.pluginmanager.getplugin(_NAME)


def replace_terminal(config: pytest.Config, stand_in: Callable[[Any], object]) -> None:
    """Let something else stand for the terminal reporter, under its name, by which other plugins ask for it."""
    if (terminal := terminal_of(config)) is not None:
        config.pluginmanager.unregister(terminal)
        config.pluginmanager.register(stand_in(terminal), _NAME)


def count_in_red(terminal: Any, categories: Collection[str]) -> None:
    """Show the counts of these categories in red. pytest shows those that it does not know in yellow."""
    closing_parts = terminal.build_summary_stats_line

    def with_red_parts() -> tuple[list[tuple[str, dict[str, bool]]], str]:
        parts, colour = closing_parts()
        red = {"red": True, "bold": True}
        return [(part, red if part.partition(" ")[2] in categories else markup) for part, markup in parts], colour

    terminal.build_summary_stats_line = with_red_parts


def add_to_last_line(terminal: Any, words: Sequence[str]) -> None:
    """Add words in red to the counts of the last line, which has no hook."""
    closing_parts = terminal.build_summary_stats_line

    def with_words() -> tuple[list[tuple[str, dict[str, bool]]], str]:
        parts, colour = closing_parts()
        return [*parts, *((word, {"red": True, "bold": True}) for word in words)], colour

    terminal.build_summary_stats_line = with_words


@contextmanager
def timed_besides(terminal: Any, phases: Sequence[object]) -> Iterator[None]:
    """Let `--durations` show these, too: pytest takes what has a duration from all that the terminal has counted."""
    uncounted = terminal.stats.setdefault("", [])
    uncounted += phases
    try:
        yield
    finally:
        del uncounted[len(uncounted) - len(phases) :]


def colour_red(terminal: Any) -> None:
    """Let the last line be red: pytest colours it so when there is a list of failures, even an empty one."""
    terminal.stats.setdefault("failed", [])


def reports_of(terminal: Any, category: str) -> list[Any]:
    """Return the reports that were logged with a category of `pytest_report_teststatus`; `stats` has no getter."""
    return list(terminal.stats.get(category, ()))


def shows_failures_at_once(terminal: Any) -> bool:
    """Return whether it is the terminal of pytest-instafail or pytest-sugar, which showed each failure as it came."""
    return hasattr(terminal, "print_failure")


def shows_in_summary(terminal: Any, letter: str) -> bool:
    """Return whether `-r` has the letter; pytest keeps the letters that remain of several `-r` in the terminal only."""
    return bool(terminal.hasopt(letter))


@contextmanager
def titles_noted(terminal: Any) -> Iterator[list[str]]:
    """Note the titles that the terminal writes: nothing else tells whether pytest opened its short summary."""
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
