"""The shaken schedule of a round: delays, yields and collections around and in the user's code."""

from __future__ import annotations

import functools
import gc
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any, Final, TypeVar

from ..model.code_owner import is_in_a_package, is_in_the_standard_library, is_ours
from ..stress.schedule import Schedule

T = TypeVar("T")

_PAUSE: Final = 2e-4
"""Seconds of the longest yield."""


class Shaken:
    """The schedule of one round. `has_jvm` is whether the child has a JVM whose collector may run."""

    def __init__(self, data: Mapping[str, Any], *, has_jvm: bool) -> None:
        self.schedule = Schedule(**data)
        self._has_jvm = has_jvm
        self._chance = random.Random(self.schedule.seed)
        self._is_users: dict[CodeType, bool] = {}
        self._is_on = False

    @contextmanager
    def round(self) -> Iterator[None]:
        """Shake what runs inside; afterwards the process is as before."""
        interval = sys.getswitchinterval()
        sys.setswitchinterval(self.schedule.switch_interval)
        self._is_on = True
        # A profiler of the user's goes first. Threads that a pool keeps have the hook, which is off, after the round.
        profiles = self._has_yields and sys.getprofile() is None and threading.getprofile() is None
        if profiles:
            threading.setprofile(self._entered)
        try:
            yield
        finally:
            self._is_on = False
            if profiles:
                threading.setprofile(None)
            sys.setswitchinterval(interval)

    @property
    def _has_yields(self) -> bool:
        return bool(self.schedule.yield_rate or self.schedule.collect_rate)

    def before_submit(self) -> None:
        _wait(self.schedule.submit_delay)
        if self.schedule.java_collects and self._has_jvm:
            from .java import jvm

            if jvm.is_started():
                jvm.java("java.lang.System").gc()

    def around(self, function: Callable[[], T], *, apart: bool = False) -> Callable[[], T]:
        """Return the function with the delays before and behind it, for the thread that calls it.

        With `apart` it is one of several functions that begin together: each has a part of the delay before it.
        """
        before = self.schedule.enter_delay * (self._chance.random() if apart else 1)

        def shaken() -> T:
            __tracebackhide__ = True
            _wait(before)
            try:
                return function()
            finally:
                _wait(self.schedule.return_delay)

        return shaken

    def late(self, function: Callable[[], None]) -> Callable[[], None]:
        """Return the call of a submitted function, delayed on the foreign thread, where its future is still pending."""
        return functools.partial(_late, self.schedule.late_delay, function) if self.schedule.late_delay else function

    def _entered(self, frame: FrameType, event: str, _: object) -> None:
        if event != "call" or not self._is_on or not self._is_of_user(frame.f_code):
            return
        drawn = self._chance.random()
        if drawn < self.schedule.yield_rate:
            time.sleep(self._chance.random() * _PAUSE)
        if self._chance.random() < self.schedule.collect_rate:
            gc.collect()

    def _is_of_user(self, code: CodeType) -> bool:
        known = self._is_users.get(code)
        if known is None:
            file = code.co_filename
            others = is_ours(file) or is_in_a_package(file) or is_in_the_standard_library(file)
            known = self._is_users[code] = not others and not file.startswith("<")
        return known


def _late(seconds: float, function: Callable[[], None]) -> None:
    __tracebackhide__ = True
    _wait(seconds)
    function()


def _wait(seconds: float) -> None:
    if seconds:
        time.sleep(seconds)
