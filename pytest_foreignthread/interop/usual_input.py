"""What the pytest process reads from where nothing is captured: pytest has another file in its place."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable

import pytest

from ..supervise.process import lender


def usual_input_of(config: pytest.Config) -> Callable[[], int | None]:
    """Return what a `Lender` asks for it."""
    return functools.partial(_opened, config)


def _opened(config: pytest.Config) -> int | None:
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is None or not capture.is_globally_capturing():
        return lender.usual_input()
    before = sys.stdout
    capture.suspend_global_capture(in_=True)
    captured = sys.stdout is not before
    try:
        return lender.usual_input()
    finally:
        capture.resume_global_capture()
        if not captured:
            # Between the phases of tests pytest captures what is read, and not what is written.
            capture.suspend_global_capture()
