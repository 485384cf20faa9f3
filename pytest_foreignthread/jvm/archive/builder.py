"""The pytest process's side of the making of an archive: start it in the background, see its end, or end it."""

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
"""Seconds; the kernel needs none, but for a process in a call to a dead disk."""
# HotSpot makes no archive beside a class path with directories; the words for it are given anew.
_LEFT_OUT: Final = ("PYTHON", "COV_CORE_", "COVERAGE_", "CLASSPATH", "JDK_AOT_VM_OPTIONS", *VARIABLES)


class Builder:
    """A process in a session of its own that makes one entry. It ends with the pytest process, however that ends."""

    def __init__(self, group: int, new: Path, lock: int, owner: int, done: int) -> None:
        self._pid = os.getpid()
        self._group = group
        self._new = new
        # Held here too: what a killed builder leaves is removed before another one begins.
        self._lock = lock
        self._owner = owner
        self._done = done
        self._closed = False

    def has_ended(self, seconds: float = 0.0) -> bool:
        """Whether none of its processes lives, after so many seconds at most."""
        if self._closed:
            return True
        poll = select.poll()
        poll.register(self._done, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def end(self) -> None:
        """Kill what still lives of it, and remove what it has not brought to an end.

        It may be called again, and does nothing in a forked child.
        """
        if self._closed or os.getpid() != self._pid:
            return
        if not self.has_ended():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, signal.SIGKILL)
            self.has_ended(_KILLED_WITHIN)
        if is_lock_of(self._lock, self._new):
            shutil.rmtree(self._new, ignore_errors=True)
        self._closed = True
        for descriptor in (self._lock, self._owner, self._done):
            os.close(descriptor)


def start(root: Path, key: str, jvm: Jvm, profile: str, words: JvmWords, parts: dict[str, Any]) -> Builder | None:
    """Return the builder of an entry; None where another one is at work or has just ended. Raise OSError."""
    new = root / f"{key}{cache.NEW}"
    with contextlib.suppress(FileExistsError):
        new.mkdir(mode=0o700)
    lock = try_lock(new)
    if lock is None:
        return None
    working: Builder | None = None
    try:
        if not isinstance(read(root / key), Archive):
            # What was broken must not be taken for what comes.
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
        # Between the two stands a process that ends at once: a test that waits for its children, or counts them, must
        # not meet one that it did not start.
        pid = fork()
        if pid == 0:
            _be_between(order, environment, owner_end, done_end)
        # Whoever reaps all children in a handler has been faster.
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
    """Return the builder's environment: the modules of this process, and nothing that measures or warns."""
    kept = {name: value for name, value in environ.items() if not name.startswith(_LEFT_OUT)}
    spoken = {name: shlex.join(chosen) for name, chosen in words.variables if chosen}
    return {**kept, **spoken, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
