"""The attribute in which a report of this plugin has its `ReportData`.

This is a module of its own because each run of pytest imports it, and should import little.
"""

from __future__ import annotations

from typing import Final

ATTRIBUTE: Final = "foreign_thread"
"""The name of the attribute. Its value is plain data (`ReportData.to_json`), which pytest and xdist serialize as it is.
"""
REFUSED: Final = "foreign_thread_refused"
"""The name of the attribute that says why a report's data was not accepted. xdist's controller sets it."""
