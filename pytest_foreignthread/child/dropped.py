"""Sends the parent, at once, each exception that ends a thread, that Python cannot raise, or of a teardown.

pytest collects them all and reports them at the end of a phase, which a test that hangs or dies never reaches.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from os import getpid
from typing import Any

from ..channel.wire import Sender
from ..interop.pytest_fixtures import raised_by_finalizers
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


def send_raised_in_teardown(fixture: str, sender: Sender) -> None:
    """Send what the teardown of this fixture has raised; call from the hook `pytest_fixture_post_finalizer`.

    pytest raises these exceptions at the end of the phase. The next fixture's teardown may hang or crash.
    """
    for error in raised_by_finalizers():
        # Without pytest's own frame.
        stack = error.__traceback__ and error.__traceback__.tb_next
        arguments = threading.ExceptHookArgs((type(error), error, stack, None))
        _send(sender, f"raised in the teardown of fixture {fixture}", arguments)


def _send(sender: Sender, head: str, arguments: Any) -> None:
    sender.send(UncaughtException(f"{head}:\n{stack_text(arguments).rstrip()}"))
