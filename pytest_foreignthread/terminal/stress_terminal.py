"""The verdicts on stressed tests, in pytest's terminal summary: a line each."""

from __future__ import annotations

from typing import Any

from ..report.stress_words import stressed_tests
from ..run.results import Results


class StressPart:
    """A plugin of the process that has the terminal; under xdist that is the controller."""

    def __init__(self, terminal: Any, results: Results) -> None:
        self._terminal = terminal
        self._results = results

    def pytest_terminal_summary(self) -> None:
        stressed = stressed_tests(self._results.entries)
        if not stressed:
            return
        seeds = ", ".join(sorted({entry["stress"]["seed"] for entry in stressed}))
        self._terminal.write_sep("=", f"foreign-thread stress, seed {seeds}")
        for entry in stressed:
            data = entry["stress"]
            mode = "" if entry["test"] != entry["nodeid"] else f" ({entry['mode']})"
            markup = {"red": True} if data["failed"] else {"green": True}
            # The section of the failure has all that is known of it.
            self._terminal.write_line(f"{entry['nodeid']}{mode}: {data['verdict']}", **markup)
