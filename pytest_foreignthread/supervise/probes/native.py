"""Native stacks: what pystack reads of a process from outside, its C frames and who holds the GIL."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import signal
import subprocess
import time

from ..process import processes
from ..process.fork import OpenEnds
from .pystack import Pystack

AUTO = "auto"
OFF = "off"
LOCALS = "locals"

_NOT_INSTALLED = "pystack is not installed: pip install 'pytest-foreignthread[native]'"
_NOT_ALLOWED = (
    "pystack may not trace the child: set /proc/sys/kernel/yama/ptrace_scope to 0 or 1, or grant CAP_SYS_PTRACE (in a "
    "container: --cap-add=SYS_PTRACE), and let no debugger hold the child"
)
_ENDED = "the child ended before pystack had looked at it"
_LOG_LINE = re.compile(r"[A-Z]+\(\w*\): ")
# Seconds in which the stop of a tracer that was killed can still arrive.
_STOP_SETTLES = 0.2
_POLL = 0.005


class NativeError(Exception):
    """There are no native stacks; the text says why, and what to do."""


def is_wanted(choice: str) -> bool:
    """Return whether native stacks are to be taken: they are not switched off, and pystack is installed."""
    return choice != OFF and importlib.util.find_spec("pystack") is not None


def why_none(choice: str) -> str | None:
    """Return why native stacks cannot be taken; None if they can, or are switched off."""
    return _NOT_INSTALLED if choice != OFF and not is_wanted(choice) else None


def native_stacks(pid: int, give_up: float, choice: str = AUTO, pystack: Pystack | None = None) -> str:
    """Return what pystack prints of the process; stop at `give_up` on the monotonic clock.

    pystack stops the process while it reads, for a few tenths of a second. Raise NativeError if there are no stacks.
    """
    if not is_wanted(choice):
        raise NativeError(_NOT_INSTALLED)
    shown = ["--native-all", "--no-color", *(["--locals"] if choice == LOCALS else [])]
    try:
        code, output, errors = _pystack_result(pystack, ["remote", str(pid), *shown], give_up)
    except subprocess.TimeoutExpired:
        _let_run(pid)
        raise NativeError("pystack did not end in time") from None
    except OSError as error:
        raise NativeError(f"pystack could not be started: {error}") from error
    if code != 0 or not output.strip():
        # Of a process that has ended pystack says what it says of one that it may not trace.
        stat = processes.stat(pid)
        raise NativeError(_reason(code, errors) if stat is not None and stat.alive else _ENDED)
    return output


def _pystack_result(pystack: Pystack | None, arguments: list[str], give_up: float) -> tuple[int, str, str]:
    if pystack is not None:
        return pystack.run(arguments, give_up)
    with contextlib.closing(Pystack(OpenEnds())) as for_once:
        return for_once.run(arguments, give_up)


def _let_run(pid: int) -> None:
    """Continue a process whose tracer was killed.

    A tracer attaches by a SIGSTOP. If it is killed before it has seen the process stop, the process stays stopped.
    """
    give_up = time.monotonic() + _STOP_SETTLES
    while time.monotonic() < give_up:
        stat = processes.stat(pid)
        if stat is None or (stat.stopped and processes.kill(pid, signal.SIGCONT)):
            return
        time.sleep(_POLL)


def _reason(code: int, errors: str) -> str:
    if "not permitted" in errors or "PermissionError" in errors:
        return _NOT_ALLOWED
    if "No module named pystack" in errors or "No module named 'pystack'" in errors:
        return _NOT_INSTALLED
    lines = [line.strip() for line in errors.splitlines() if line.strip() and not _LOG_LINE.match(line)]
    if not lines:
        return f"pystack ended with status {code} and said nothing"
    # pystack prints an error of its own first, with lines of advice below; a traceback has the error in its last line.
    return f"pystack failed: {lines[-1] if lines[0].startswith('Traceback') else lines[0]}"
