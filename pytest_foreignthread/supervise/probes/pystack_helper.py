"""The program of the helper process: it has imported pystack, and forks for each look.

It is run as a script, by an interpreter in which only pystack and the standard library can be imported for sure.
"""

from __future__ import annotations

import ctypes
import json
import os
import runpy
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import suppress
from os.path import basename
from typing import Any, Final

_PR_SET_PDEATHSIG: Final = 1
_SIGKILL: Final = 9
# What pystack calls a function whose name the library does not have.
_UNNAMED: Final = "???"
_UNMERGED: Final = "* - Unable to merge native stack"
_TRAMPOLINES: Final = {
    bytes.fromhex("48c7c00f0000000f05"): "__restore_rt",
    bytes.fromhex("681180d2010000d4"): "__kernel_rt_sigreturn",
}
"""The code to which a signal handler returns, a system call, on x86-64 and aarch64 → the name of the function."""


def _end_with_parent() -> None:
    """Neither the helper nor its fork may outlive a pytest process that is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL)


def innermost_frames(thread: Any, frame_type: Any) -> list[Any]:
    """Return the C frames of a thread that surely lie below its last Python frame, the innermost one last.

    The functions that run Python code are those that pystack knows, and in an interpreter that is built with tail
    calls one for each instruction, which a stripped interpreter does not name.
    """
    frames = list(thread.native_frames)
    runs_python = [
        number
        for number, frame in enumerate(frames)
        if frame.symbol.startswith(("_PyEval", "PyEval", "_TAIL_CALL_"))
        or (frame.symbol == _UNNAMED and basename(frame.library).startswith(("python", "libpython")))
    ]
    below = frames[runs_python[-1] + 1 :] if runs_python else []
    return [one for one in below if frame_type(one, thread.python_version) is type(one).FrameType.OTHER]


def name_trampolines(thread: Any) -> None:
    """Name the frames between a signal handler and the code that the signal interrupted.

    pystack takes the names from the library's symbols, which many distributions leave out of libc.
    """
    unnamed = [frame for frame in thread.native_frames if frame.symbol == _UNNAMED]
    with suppress(OSError), open(f"/proc/{thread.tid}/mem", "rb", buffering=0) as memory:
        for frame in unnamed:
            with suppress(OSError, ValueError):
                code = os.pread(memory.fileno(), max(map(len, _TRAMPOLINES)), frame.address)
                names = (name for start, name in _TRAMPOLINES.items() if code.startswith(start))
                frame.symbol = next(names, _UNNAMED)


def _complete_stacks() -> None:
    """Let pystack name the trampolines, and print the innermost frames also where it cannot merge the stacks."""
    from pystack import traceback_formatter as formatter
    from pystack.types import frame_type

    usual = formatter.format_thread

    def format_thread(thread: Any, *arguments: Any, **options: Any) -> Iterator[str]:
        name_trampolines(thread)
        lines = list(usual(thread, *arguments, **options))
        yield from lines
        if any(line.startswith(_UNMERGED) for line in lines):
            for frame in innermost_frames(thread, frame_type):
                yield (f'    (C) File "{frame.path}", line {frame.linenumber}, in {frame.symbol} ({frame.library})')

    formatter.format_thread = format_thread


def _look(arguments: list[str], helper: int) -> int:
    """Return the exit code of pystack, run with these arguments in this process."""
    _end_with_parent()
    sys.argv = ["pystack", *arguments]
    try:
        if os.getppid() == helper:
            runpy.run_module("pystack", run_name="__main__", alter_sys=False)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def main() -> None:
    """Read a line of arguments at a time; write pystack's exit code, stdout and stderr in a line."""
    helper, answers = os.getpid(), os.fdopen(os.dup(1), "w")
    _end_with_parent()
    try:
        import argparse  # noqa: F401
        import logging  # noqa: F401

        import pystack.engine
        import pystack.process  # noqa: F401

        _complete_stacks()
    # The look itself says that pystack is missing, or why it cannot be imported.
    except Exception:
        pass
    for line in sys.stdin:
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            if (looking := os.fork()) == 0:
                os.dup2(output.fileno(), 1)
                os.dup2(errors.fileno(), 2)
                code = _look(json.loads(line), helper)
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
            code = os.waitstatus_to_exitcode(os.waitpid(looking, 0)[1])
            texts = [file.seek(0) or file.read().decode("utf-8", "replace") for file in (output, errors)]
        print(json.dumps([code, *texts]), file=answers, flush=True)


if __name__ == "__main__":
    main()
