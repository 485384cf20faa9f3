"""Where a report of this plugin carries its `ReportData`: a module of its own, which each run imports."""

from __future__ import annotations

from typing import Final

ATTRIBUTE: Final = "foreign_thread"
"""Name of the attribute. Its value is plain data, so that pytest and xdist take it along: `ReportData.to_json`."""
REFUSED: Final = "foreign_thread_refused"
"""Name of the attribute of a report whose data was not accepted: why. xdist's controller sets it."""
