"""Folders for what a child's death leaves: one per child, in one per run, in one per user."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import stat
import tempfile
from pathlib import Path
from types import TracebackType

_ATTEMPTS = 20
_LOCK = "lock"
_RETIRED = "retired-"


class ScratchError(Exception):
    """There is no safe place for scratch files; the text says what to do."""


class ScratchRoot:
    """The folder of one run: `TEMPDIR/pytest-foreignthread-UID/run-PID-RANDOM`, mode 0700.

    It stays locked while the pytest process or a forked child lives; folders of runs that were killed are removed on
    opening. Raise ScratchError when the folder cannot be made or is not safe.
    """

    def __init__(self, parent: Path | None = None) -> None:
        self._pid = os.getpid()
        self._count = 0
        self._lock: int | None
        try:
            self.path, self._lock = _locked_folder(parent or Path(tempfile.gettempdir()))
            _remove_stale(self.path.parent)
        except OSError as error:
            raise ScratchError(f"cannot keep scratch files ({error}); set TMPDIR to a folder of yours") from error

    def __enter__(self) -> ScratchRoot:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def child_folder(self) -> Path:
        """A new, empty folder; raise ScratchError when it cannot be made."""
        self._count += 1
        folder = self.path / f"child-{self._count}"
        try:
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise ScratchError(f"cannot make a scratch folder: {error}") from error
        return folder

    def discard(self, folder: Path) -> None:
        """Remove a child's folder before the run ends."""
        _remove(folder)

    def close(self) -> None:
        """Remove the run's folder; does nothing in a forked child, nor when called again."""
        if os.getpid() != self._pid or self._lock is None:
            return
        _retire(self.path)
        os.close(self._lock)
        self._lock = None
        # The last run takes the user's folder along.
        with contextlib.suppress(OSError):
            self.path.parent.rmdir()


def _user_folder(parent: Path) -> Path:
    folder = parent / f"pytest-foreignthread-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        kind = "is not a folder" if not stat.S_ISDIR(status.st_mode) else f"belongs to user {status.st_uid}"
        raise ScratchError(f"{folder} {kind}: remove it, or set TMPDIR to a folder of yours")
    if status.st_mode & 0o077:
        folder.chmod(0o700)
    return folder


def _locked_folder(parent: Path) -> tuple[Path, int]:
    parent.lstat()
    for _ in range(_ATTEMPTS):
        # Another run may be clearing up: it may take the user's folder away, or this one before it is locked.
        with contextlib.suppress(FileNotFoundError):
            folder = _user_folder(parent) / f"run-{os.getpid()}-{secrets.token_hex(4)}"
            folder.mkdir(mode=0o700)
            lock = _try_lock(folder)
            if lock is not None:
                return folder, lock
    raise ScratchError(f"scratch folders in {parent} vanish as soon as they are made; set TMPDIR to a folder of yours")


def _try_lock(folder: Path) -> int | None:
    """The descriptor of the locked file; None when another process has it. Raise FileNotFoundError: no such folder."""
    path = folder / _LOCK
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(lock), path.lstat()):
            return lock
    except BlockingIOError:
        pass
    except BaseException:
        os.close(lock)
        raise
    os.close(lock)
    return None


def _remove_stale(user_folder: Path) -> None:
    for folder in user_folder.glob("run-*"):
        with contextlib.suppress(OSError):
            lock = _try_lock(folder)
            if lock is not None:
                _retire(folder)
                os.close(lock)
    # Of a run that was killed while it cleared up.
    for folder in user_folder.glob(f"{_RETIRED}*"):
        _remove(folder)


def _retire(run_folder: Path) -> None:
    """Remove the folder of a run, of which the lock is held."""
    # Under its old name a run that has made the folder but not locked it would put a new lock into it, and go on.
    retired = run_folder.with_name(f"{_RETIRED}{run_folder.name}")
    with contextlib.suppress(OSError):
        run_folder.rename(retired)
    _remove(retired)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        # A test may have taken the permissions of a folder in it; a link may lead out of it.
        for path, names, _ in os.walk(folder):
            for name in names:
                below = os.path.join(path, name)
                if not os.path.islink(below):
                    os.chmod(below, 0o700)
        shutil.rmtree(folder, ignore_errors=True)
