"""Which test a record is of."""

from __future__ import annotations

from typing import Any

import pytest

from . import pytest_reports
from .settings import Settings


def identity(item: pytest.Item, settings: Settings) -> dict[str, Any]:
    """Return the fields of a record that tell which test it is of, and how to run that again."""
    return {
        "jvm": settings.jvm is not None,
        "test": settings.test or item.nodeid,
        "rerun": pytest_reports.as_typed(item.config, pytest_reports.own_id(item)),
        "rerun_options": settings.rerun_options,
    }
