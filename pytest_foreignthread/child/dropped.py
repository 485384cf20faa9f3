"""Sends the parent, at once, each exception that ends a thread, that Python cannot raise, or that a finalizer raises.

pytest collects them all and reports them at the end of a phase, which a test that hangs or dies never reaches.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import getpid
from typing import Any

import pytest

from ..channel.wire import Sender
from ..model.observation import UncaughtException
from .dropped_text import stack_text, thread_name


@contextmanager
def sent(sender: Sender) -> Iterator[None]:
    """Send each exception that Python drops while the block runs, then call the hooks that were set before."""
    owner = getpid()
    thread_hook, unraisable_hook = threading.excepthook, sys.unraisablehook

    def send_of_thread(arguments: Any) -> None:
        # A process that the test forked does not speak for the test.
        if getpid() == owner and arguments.exc_type is not SystemExit:
            _send(sender, f'uncaught on Python thread "{thread_name(arguments)}"', arguments)
        thread_hook(arguments)

    def send_unraisable(arguments: Any) -> None:
        if getpid() == owner:
            _send(sender, f"could not be raised: {arguments.err_msg or 'Exception ignored in'}", arguments)
        unraisable_hook(arguments)

    threading.excepthook, sys.unraisablehook = send_of_thread, send_unraisable
    try:
        yield
    finally:
        # A test may have set hooks of its own, which stay.
        if threading.excepthook is send_of_thread:
            threading.excepthook = thread_hook
        if sys.unraisablehook is send_unraisable:
            sys.unraisablehook = unraisable_hook


def send_of_finalizers(request: pytest.FixtureRequest, sender: Sender) -> None:
    """Send each exception that the fixture of this request raises in its teardown; call before the fixture is set up.

    The next fixture's teardown may hang or crash.
    """
    owner, add = getpid(), request.addfinalizer

    def add_sending(finalizer: Callable[[], object]) -> None:
        def sending() -> None:
            __tracebackhide__ = True
            try:
                finalizer()
            except BaseException as error:
                if getpid() == owner:
                    stack = error.__traceback__ and error.__traceback__.tb_next
                    arguments = threading.ExceptHookArgs((type(error), error, stack, None))
                    _send(sender, f"raised in the teardown of fixture {request.fixturename}", arguments)
                raise

        add(sending)

    # pytest's own finalizer of a generator is added by this method, as those of the project are.
    request.addfinalizer = add_sending  # type: ignore[method-assign]


def _send(sender: Sender, head: str, arguments: Any) -> None:
    sender.send(UncaughtException(f"{head}:\n{stack_text(arguments).rstrip()}"))
