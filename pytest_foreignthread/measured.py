"""Coverage that a child has saved → that of the pytest process."""

from __future__ import annotations

import sys
from pathlib import Path


def take_in(file: Path) -> str | None:
    """Add what the file has to what is measured here; give what was wrong with it, None where nothing was.

    A child that dies while it saves leaves what it had saved before.
    """
    coverage = sys.modules.get("coverage")
    measuring = coverage.Coverage.current() if coverage is not None else None
    if coverage is None or measuring is None or not file.exists():
        return None
    data = coverage.CoverageData(basename=str(file))
    try:
        data.read()
        measuring.get_data().update(data)
    except coverage.CoverageException as error:
        return f"coverage of the child could not be read: {error}"
    finally:
        data.close()
    return None
