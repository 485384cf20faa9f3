"""pytest-json-report gathers in its hooks of a test's phases what its `pytest_runtest_makereport` needs."""

from __future__ import annotations

from typing import Final

GATHERERS: Final = frozenset({"JSONReport", "JSONReportWorker"})
"""Classes of its plugins, one of them for xdist's workers; they are registered without a name."""
