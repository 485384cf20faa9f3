"""The words for what became of a test, and the exceptions that stand for a child's death."""

from __future__ import annotations

import enum


class Outcome(enum.Enum):
    """What became of a test; the value is the word used in every report."""

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
    """How far a child had come; `setup`, `call` and `teardown` are pytest's own."""

    FORK = "fork"
    JVM = "jvm"
    SETUP = "setup"
    CALL = "call"
    TEARDOWN = "teardown"
    EXIT = "exit"
    """The finalization of the interpreter, behind the teardown of a test that asks for it."""


class ForeignThreadError(Exception):
    """Base of the exceptions that stand for an abnormal outcome, for `xfail(raises=...)`."""


class Segfault(ForeignThreadError):
    """The child died of SIGSEGV or SIGBUS, also when HotSpot turned it into an abort."""


class Hang(ForeignThreadError):
    """A phase of the test passed its deadline."""


class NullResult(ForeignThreadError, SystemError):
    """A call broke the C API's result protocol: NULL without an exception, or a result with one."""


class ChildCrash(ForeignThreadError):
    """The child died in any other way: SIGABRT, SIGKILL, `os._exit`, `System.exit`."""
