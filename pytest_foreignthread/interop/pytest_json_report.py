"""pytest-json-report collects in its hooks of the phases what its `pytest_runtest_makereport` needs."""

from __future__ import annotations

from typing import Final

GATHERERS: Final = frozenset({"JSONReport", "JSONReportWorker"})
"""The classes of its plugins, the second for xdist's workers; they are registered without a name."""
