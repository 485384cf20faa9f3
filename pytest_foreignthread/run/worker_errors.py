"""Passes a UsageError in an xdist worker to the controller, so that the controller ends the run with its text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ..config.stash_keys import USAGE_ERROR
from ..interop.xdist import worker_output


@contextmanager
def errors_for_controller(config: pytest.Config) -> Iterator[None]:
    """Store the text of a UsageError for xdist's controller, which would otherwise see only that the worker ended."""
    try:
        yield
    except pytest.UsageError as error:
        if (output := worker_output(config)) is not None:
            output[USAGE_ERROR] = str(error)
        raise
