"""The background process that makes an archive, as the pytest process holds it: start it, wait for its end, kill it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, NoReturn

from ...model.settings import Jvm
from ...supervise.process.fork import fork
from . import folder as cache
from .entry import Archive, read
from .jvm_flags import VARIABLES, JvmWords
from .lock import is_lock_of, try_lock
from .order import Order

_KILLED_WITHIN: Final = 5.0
"""Seconds until a killed process must be gone. Only an uninterruptible system call, to a dead disk, takes longer."""
# Variables that the builder does not inherit. CLASSPATH: HotSpot makes no archive if the class path has directories.
# The variables with options for the JVM are set anew, with the options that matter to an archive.
_LEFT_OUT: Final = ("PYTHON", "COV_CORE_", "COVERAGE_", "CLASSPATH", "JDK_AOT_VM_OPTIONS", *VARIABLES)


class Builder:
    """A process in a session of its own that makes one entry. It ends with the pytest process, however that ends.

    The builder holds the reading end of a pipe, `owner`, and ends when the pipe ends. This process holds the reading
    end of another one, `done`, which ends with the last process of the builder.
    """

    def __init__(self, group: int, new: Path, lock: int, owner: int, done: int) -> None:
        self._pid = os.getpid()
        self._group = group
        self._new = new
        # This process holds the lock as well: no other run begins before the files of a killed builder are removed.
        self._lock = lock
        self._owner = owner
        self._done = done
        self._closed = False

    def has_ended(self, seconds: float = 0.0) -> bool:
        """Return whether all processes of the builder have ended; wait for that for `seconds` at most."""
        if self._closed:
            return True
        poll = select.poll()
        poll.register(self._done, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def end(self) -> None:
        """Kill the processes that still live, and remove an entry that is not complete; may be called again.

        Do nothing in a forked child: its copy of this object is of the same process.
        """
        if self._closed or os.getpid() != self._pid:
            return
        if not self.has_ended():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, signal.SIGKILL)
            self.has_ended(_KILLED_WITHIN)
        # A complete entry was renamed, and the name may belong to another builder's directory.
        if is_lock_of(self._lock, self._new):
            shutil.rmtree(self._new, ignore_errors=True)
        self._closed = True
        for descriptor in (self._lock, self._owner, self._done):
            os.close(descriptor)

    def leave_to_parent(self) -> None:
        """Close the descriptors in a forked child: while one is open, the lock is held and the builder does not end."""
        if not self._closed and os.getpid() != self._pid:
            self._closed = True
            for descriptor in (self._lock, self._owner, self._done):
                os.close(descriptor)


def start(root: Path, key: str, jvm: Jvm, profile: str, words: JvmWords, parts: dict[str, Any]) -> Builder | None:
    """Start to make an entry and return its builder; None if another builder works on it, or has just made it.

    Raise OSError if the cache cannot be written or the process cannot be started.
    """
    new = root / f"{key}{cache.NEW}"
    with contextlib.suppress(FileExistsError):
        new.mkdir(mode=0o700)
    lock = try_lock(new)
    if lock is None:
        return None
    working: Builder | None = None
    try:
        if not isinstance(read(root / key), Archive):
            # A broken entry must go: its name is that of the entry to come, and readers would take one for the other.
            shutil.rmtree(root / key, ignore_errors=True)
            for path in new.iterdir():
                path.unlink()
            arguments = list(words.arguments)
            order = Order(str(jvm.library), jvm.version or "", profile, arguments, str(new), parts, lock, owner=-1)
            working = _spawn(order, _environment(os.environ, words))
        return working
    finally:
        if working is None:
            shutil.rmtree(new, ignore_errors=True)
            os.close(lock)


def _spawn(order: Order, environment: Mapping[str, str]) -> Builder:
    owner_end, owner = os.pipe()
    done, done_end = os.pipe()
    try:
        # A process in between, which ends at once, makes the builder an orphan: a test that waits for the children of
        # the pytest process, or counts them, must not find one that it did not start.
        pid = fork()
        if pid == 0:
            _be_between(order, environment, owner_end, done_end)
        # ChildProcessError: a SIGCHLD handler of the user's, which reaps all children, was faster.
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
        return Builder(pid, Path(order.new), order.lock, owner, done)
    except BaseException:
        os.close(owner)
        os.close(done)
        raise
    finally:
        os.close(owner_end)
        os.close(done_end)


def _be_between(order: Order, environment: Mapping[str, str], owner_end: int, done_end: int) -> NoReturn:
    try:
        os.setsid()
        text = json.dumps({**asdict(order), "owner": owner_end})
        log = os.open(Path(order.new) / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        subprocess.Popen(
            [sys.executable, "-m", "pytest_foreignthread.jvm.archive.training", text],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=order.new,
            env=environment,
            pass_fds=[order.lock, owner_end, done_end],
        )
    finally:
        os._exit(0)


def _environment(environ: Mapping[str, str], words: JvmWords) -> dict[str, str]:
    """Return the builder's environment: the same modules as in this process, and nothing that measures or warns.

    A variable such as PYTHONWARNINGS could make a warning an error, and coverage would measure the builder.
    """
    kept = {name: value for name, value in environ.items() if not name.startswith(_LEFT_OUT)}
    spoken = {name: shlex.join(chosen) for name, chosen in words.variables if chosen}
    return {**kept, **spoken, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
