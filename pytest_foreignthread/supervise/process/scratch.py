"""Directories for what a child's death leaves: one per child, in one per run, in one per user.

A test may remove, move or replace any of them. So they are known by what they are, not by their names, and the
directory of the run is there only while a child's is: what stands between two tests cannot be left behind by a pytest
process that is killed then.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import tempfile
from pathlib import Path
from types import TracebackType

from ..child_files import WHAT_TO_DO, no_room
from ..opened_folder import OpenedFolder
from .file_lock import locked_or_closed
from .fork import OpenEnds

_ATTEMPTS = 20
_OTHER_PLACES = (Path("/tmp"), Path("/var/tmp"))
"""Where `tempfile` looks as well."""
_LOCK = "lock"
_RETIRED = "retired-"


class ScratchError(Exception):
    """There is no safe place for scratch files; the text says what to do."""


class RunFolder:
    """The directory of a run, `TEMPDIR/pytest-foreignthread-UID/run-PID-RANDOM`, mode 0700, locked.

    It stays locked while the pytest process or a forked child lives. A keeper inherits it, and removes it where it
    outlives the pytest process and all other keepers.
    """

    def __init__(self, folder: OpenedFolder, lock: int, made: Path | None) -> None:
        """`made` is the temporary directory where that had to be made again."""
        self.folder = folder
        self.children: set[OpenedFolder] = set()
        self._lock: int | None = lock
        self._made = made

    @property
    def descriptors(self) -> frozenset[int]:
        """What a keeper needs to remove the directory."""
        return frozenset({self.folder.descriptor, *([] if self._lock is None else [self._lock])})

    def in_place(self) -> bool:
        with contextlib.suppress(OSError):
            held = self._lock is not None and os.fstat(self._lock)
            return held and os.path.samestat(held, (self.folder.path / _LOCK).lstat()) and self.folder.in_place()
        return False

    def retire(self) -> None:
        """Remove the directory, of which this process has the lock; may be called again."""
        for child in self.children:
            child.remove()
        # Under its old name a run that has made but not locked the directory would put a new lock into it, and go on.
        self.folder.rename(_RETIRED)
        self.folder.remove()
        self._unlock()
        # The last run takes the user's directory along.
        with contextlib.suppress(OSError):
            self.folder.path.parent.rmdir()
            if self._made is not None:
                self._made.rmdir()

    def retire_as_the_last(self) -> None:
        """Remove the directory unless another process holds the lock too.

        For a keeper that outlives the pytest process, and has no descriptors of it but `descriptors`.
        """
        self.children.clear()
        # The inherited lock is one with that of the other keepers: it is held until the last of them lets go.
        self._unlock()
        with contextlib.suppress(OSError):
            self._lock = _try_lock(self.folder)
        if self._lock is not None:
            self.retire()

    def _unlock(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)


class ChildFolder(OpenedFolder):
    """The directory of one child."""

    def __init__(self, path: Path, run: RunFolder, ends: OpenEnds) -> None:
        super().__init__(path, ends)
        self.run = run
        run.children.add(self)


class ScratchRoot:
    """The scratch directories of one run of pytest; those of runs that were killed are removed with the first one."""

    def __init__(self, parent: Path | None = None, ends: OpenEnds | None = None) -> None:
        """`parent` is the temporary directory, where it is not to be the usual one."""
        self.ends = ends or OpenEnds()
        self._parent = parent
        self._parents_mode: int | None = None
        self._pid = os.getpid()
        self._count = 0
        self._runs: list[RunFolder] = []
        """The last one is in use; the others wait for the end of the children that they were made for."""

    def __enter__(self) -> ScratchRoot:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def child_folder(self) -> ChildFolder:
        """Return a new, empty directory; raise ScratchError when there is none to be had."""
        try:
            return self._new_child_folder()
        except OSError as error:
            raise ScratchError(no_room(error)) from error

    def _new_child_folder(self) -> ChildFolder:
        run = self._run()
        self._count += 1
        path = run.folder.path / f"child-{self._count}"
        try:
            path.mkdir(mode=0o700)
            return ChildFolder(path, run, self.ends)
        except BaseException:
            with contextlib.suppress(OSError):
                path.rmdir()
            self._retire_unused(run)
            raise

    def _run(self) -> RunFolder:
        if self._runs and self._runs[-1].in_place():
            return self._runs[-1]
        parent, made = self._temporary_folder()
        run = _locked_folder(parent, self.ends, made)
        if self._count == 0:
            remove_stale(run.folder.path.parent)
        self._runs.append(run)
        return run

    def _temporary_folder(self) -> tuple[Path, Path | None]:
        """Return where the directory of the run is to be, and again what has to be removed with it.

        A test may have removed the usual place, which is then made again, or have put something else there.
        """
        usual = (self._parent or Path(tempfile.gettempdir())).absolute()
        if self._parents_mode is None:
            # What is wrong before any test ran is the user's to mend.
            self._parents_mode = stat.S_IMODE(usual.stat().st_mode)
        elif not _takes_files(usual):
            # Not where a link stands there that leads nowhere, nor where the directory above is gone as well.
            with contextlib.suppress(OSError):
                usual.mkdir()
                usual.chmod(self._parents_mode)
                return usual, usual
            return next(filter(_takes_files, _OTHER_PLACES), usual), None
        return usual, None

    def discard(self, folder: ChildFolder) -> None:
        """Remove a child's directory, and with the last one that of the run; may be called again."""
        folder.remove()
        folder.run.children.discard(folder)
        self._retire_unused(folder.run)

    def _retire_unused(self, run: RunFolder) -> None:
        if not run.children and run in self._runs and os.getpid() == self._pid:
            run.retire()
            self._runs.remove(run)

    def close(self) -> None:
        """Remove all that is left; does nothing in a forked child, nor when called again."""
        while os.getpid() == self._pid and self._runs:
            self._runs[-1].retire()
            self._runs.pop()


def _takes_files(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _user_folder(parent: Path) -> Path:
    folder = parent / f"pytest-foreignthread-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        kind = "is not a directory" if not stat.S_ISDIR(status.st_mode) else f"belongs to user {status.st_uid}"
        raise ScratchError(f"{folder} {kind}: remove it, or set TMPDIR to a directory of yours")
    if stat.S_IMODE(status.st_mode) != stat.S_IRWXU:
        folder.chmod(0o700)
    return folder


def _locked_folder(parent: Path, ends: OpenEnds, made: Path | None) -> RunFolder:
    for _ in range(_ATTEMPTS):
        # Another run may be clearing up: it may take the user's directory away, or this one before it is locked.
        with contextlib.suppress(FileNotFoundError), contextlib.ExitStack() as undo:
            path = _user_folder(parent) / f"run-{os.getpid()}-{secrets.token_hex(4)}"
            path.mkdir(mode=0o700)
            undo.callback(_remove_empty, path)
            folder = OpenedFolder(path, ends)
            undo.callback(folder.close)
            if (lock := _try_lock(folder)) is not None:
                undo.pop_all()
                return RunFolder(folder, lock, made)
    raise ScratchError(f"scratch directories in {parent} vanish as soon as they are made; {WHAT_TO_DO}")


def _remove_empty(run_folder: Path) -> None:
    with contextlib.suppress(OSError):
        run_folder.rmdir()
        run_folder.parent.rmdir()


def _try_lock(folder: OpenedFolder) -> int | None:
    """Return the descriptor of the locked file; None when another process has it, or has taken the directory away."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    lock = os.open(_LOCK, flags, 0o600, dir_fd=folder.descriptor)

    def is_in_place() -> bool:
        named = os.stat(_LOCK, dir_fd=folder.descriptor, follow_symlinks=False)
        return os.path.samestat(os.fstat(lock), named) and folder.exists()

    return locked_or_closed(lock, is_in_place)


def remove_stale(user_folder: Path) -> None:
    """Remove the directories of runs that were killed."""
    ends = OpenEnds()
    # The retired ones are of a run that was killed while it cleared up.
    for path in (*user_folder.glob("run-*"), *user_folder.glob(f"{_RETIRED}*")):
        with contextlib.suppress(OSError), contextlib.ExitStack() as opened:
            folder = OpenedFolder(path, ends)
            opened.callback(folder.close)
            if (lock := _try_lock(folder)) is not None:
                RunFolder(folder, lock, None).retire()
