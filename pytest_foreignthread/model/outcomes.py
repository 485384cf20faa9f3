"""The outcomes of a test, the phases of a child, and the exceptions that stand for abnormal outcomes."""

from __future__ import annotations

import enum


class Outcome(enum.Enum):
    """The outcome of a test; the value is the name that every report uses."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    XFAILED = "xfailed"
    XPASSED = "xpassed"
    ERROR = "error"
    SEGFAULT = "segfault"
    HANG = "hang"
    NULL_RESULT = "null_result"
    CRASH = "crash"

    @property
    def abnormal(self) -> bool:
        """Whether the outcome is one of this plugin's own, not one of pytest's."""
        return self in ABNORMAL


ABNORMAL = (Outcome.SEGFAULT, Outcome.HANG, Outcome.NULL_RESULT, Outcome.CRASH)


class Phase(enum.Enum):
    """A phase of a child's life; `setup`, `call` and `teardown` are pytest's phases."""

    FORK = "fork"
    JVM = "jvm"
    SETUP = "setup"
    CALL = "call"
    TEARDOWN = "teardown"
    EXIT = "exit"
    """The finalization of the interpreter, behind the teardown of a test that asks for it."""


class ForeignThreadError(Exception):
    """Base class of the exceptions that stand for an abnormal outcome, for `xfail(raises=...)`."""


class Segfault(ForeignThreadError):
    """The child died of SIGSEGV or SIGBUS, also if HotSpot turned the signal into an abort."""


class Hang(ForeignThreadError):
    """A phase of the test passed its deadline."""


class NullResult(ForeignThreadError, SystemError):
    """A call broke the result protocol of the C API: it returned NULL without an exception, or a result with one."""


class ChildCrash(ForeignThreadError):
    """The child died in any other way: SIGABRT, SIGKILL, `os._exit`, `System.exit`."""
