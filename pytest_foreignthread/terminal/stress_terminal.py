"""The tallies of stressed tests, in pytest's terminal summary."""

from __future__ import annotations

from typing import Any

from ..run.results import Results


class StressPart:
    """A plugin of the process that has the terminal; under xdist that is the controller."""

    def __init__(self, terminal: Any, results: Results) -> None:
        self._terminal = terminal
        self._results = results

    def pytest_terminal_summary(self) -> None:
        stressed = [entry for entry in self._results.entries if entry.get("stress") is not None]
        if not stressed:
            return
        from ..report.text import rerun_lines
        from ..stress.tally import lines_of

        seeds = ", ".join(sorted({entry["stress"]["seed"] for entry in stressed}))
        self._terminal.write_sep("=", f"foreign-thread stress, seed {seeds}")
        for entry in stressed:
            data = entry["stress"]
            mode = "" if entry["test"] != entry["nodeid"] else f" ({entry['mode']})"
            markup = {"red": True} if data["failed"] else {"green": True}
            self._terminal.write_line(f"{entry['nodeid']}{mode}", bold=True)
            self._terminal.write_line(f"  {data['verdict']}", **markup)
            for line in (*lines_of(data), *(f"  {line}" for line in rerun_lines(data["rerun"]))):
                self._terminal.write_line(line)
