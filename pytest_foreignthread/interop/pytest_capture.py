"""pytest's capture, suspended and resumed. Its manager is a plugin whose methods pytest does not document.

The public fixtures `capsys` and `capfd` are for a test, and `-s` is for the whole run.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest


def usual_input_of(config: pytest.Config) -> Callable[[], int | None]:
    """Return the function by which a `Lender` gets the input of the pytest process, with pytest's capture suspended."""
    return functools.partial(_opened, config)


def _opened(config: pytest.Config) -> int | None:
    # Imported here because the module needs a module that platforms without fork lack.
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
            # Between the phases of tests, pytest captures the input and not the output.
            capture.suspend_global_capture()


def captured_as(config: pytest.Config, when: str, item: pytest.Item) -> AbstractContextManager[None]:
    """Return a context whose output is captured as a phase of the item; a report of that phase includes the output."""
    capture = _manager_of(config)
    return capture.item_capture(when, item) if capture is not None else nullcontext()


def call_around_suspension(config: pytest.Config, take: Callable[[], None], give_back: Callable[[], None]) -> None:
    """Make pytest's capture call `take` after it has released the terminal, and `give_back` when it has it again.

    pytest's debugger writes to the terminal before it calls the hook `pytest_enter_pdb`, so the hook is too late. If
    `take` raises, the capture has the terminal again.
    """
    capture = _manager_of(config)
    suspend = getattr(capture, "suspend_global_capture", None)
    resume = getattr(capture, "resume_global_capture", None)
    if capture is None or suspend is None or resume is None:
        return

    def suspend_and_take(in_: bool = False) -> None:
        # First, because until then the input is not the terminal.
        suspend(in_)
        # `is True`, because pytest-timeout passes an item, and does not read.
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


def drop_if_broken(config: pytest.Config) -> Callable[[], bool]:
    """Make pytest drop its capture once the capture fails; return a function that returns whether it has failed.

    A test may have closed a descriptor of the capture. The first error is the test's; without more of them, the test
    is torn down. Call this before `call_around_suspension`.
    """
    capture = _manager_of(config)
    failed: list[Exception] = []

    def guarded(method: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **options: Any) -> Any:
            try:
                return method(*args, **options)
            # ValueError: the test closed `sys.stdout`, which is the capture's file.
            except (OSError, ValueError) as error:
                if not failed:
                    config.pluginmanager.unregister(capture)
                failed.append(error)
                raise

        return called

    for name in ("suspend_global_capture", "resume_global_capture", "read_global_capture"):
        if (method := getattr(capture, name, None)) is not None:
            setattr(capture, name, guarded(method))
    return lambda: bool(failed)


def _manager_of(config: pytest.Config) -> Any:
    return config.pluginmanager.getplugin("capturemanager")
