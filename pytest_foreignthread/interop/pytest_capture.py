"""pytest's capture, suspended and resumed: its manager is a plugin whose methods pytest does not document.

The public fixtures `capsys` and `capfd` are a test's, and `-s` is for the whole run.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest


def usual_input_of(config: pytest.Config) -> Callable[[], int | None]:
    """Return what a `Lender` asks for the input of the pytest process where nothing is captured."""
    return functools.partial(_opened, config)


def _opened(config: pytest.Config) -> int | None:
    # Imported here: a platform that cannot fork has no part in it, and lacks a module that it needs.
    from ..supervise.process import lender

    capture = _manager_of(config)
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


def captured_as(config: pytest.Config, when: str, item: pytest.Item) -> AbstractContextManager[None]:
    """Return a context whose output is captured as that of a phase of the item; it comes with the phase's report."""
    capture = _manager_of(config)
    return capture.item_capture(when, item) if capture is not None else nullcontext()


def call_around_suspension(config: pytest.Config, take: Callable[[], None], give_back: Callable[[], None]) -> None:
    """Let pytest's capture call `take` when it has let go of the terminal, and `give_back` when it has it again.

    The debugger of pytest writes there before it calls the hook `pytest_enter_pdb`, which is too late. Where `take`
    raises, the capture has the terminal.
    """
    capture = _manager_of(config)
    suspend = getattr(capture, "suspend_global_capture", None)
    resume = getattr(capture, "resume_global_capture", None)
    if capture is None or suspend is None or resume is None:
        return

    def suspend_and_take(in_: bool = False) -> None:
        # Before, what is read from is not the terminal.
        suspend(in_)
        # Not what else is true: pytest-timeout gives an item, and reads nothing.
        if in_ is True:
            try:
                take()
            except BaseException:
                resume()
                raise

    def resume_and_give_back() -> None:
        resume()
        give_back()

    capture.suspend_global_capture, capture.resume_global_capture = suspend_and_take, resume_and_give_back


def _manager_of(config: pytest.Config) -> Any:
    return config.pluginmanager.getplugin("capturemanager")
