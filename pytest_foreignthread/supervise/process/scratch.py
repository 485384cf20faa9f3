"""Scratch directories for what a dying child writes: one per child, within one per run, within one per user.

A test may remove, move or replace any of them. So this process knows each by an open descriptor, not by its name.

The directory of the run exists only while a child has one. Between two tests there is none that a pytest process could
leave behind when it is killed. While there is one, a keeper stands by to remove it, except in the moment between the
making of the directory and the fork.
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

# Each failure means that another run has removed a directory in that moment: twenty in a row mean something else.
_ATTEMPTS = 20
_OTHER_PLACES = (Path("/tmp"), Path("/var/tmp"))
"""Directories that `tempfile` tries, too, if TMPDIR is of no use."""
_LOCK = "lock"
_RETIRED = "retired-"


class ScratchError(Exception):
    """No safe scratch directory can be made; the text says why and what to do."""


class RunFolder:
    """The directory of a run, `TEMPDIR/pytest-foreignthread-UID/run-PID-RANDOM`, mode 0700, locked.

    The lock shows other runs that the directory is in use: they remove directories without one. A forked process
    inherits the lock, so the directory stays locked while the pytest process, a keeper or a child lives. The keeper
    that outlives the pytest process and all other keepers removes the directory.
    """

    def __init__(self, folder: OpenedFolder, lock: int, made: Path | None) -> None:
        """`made` is the temporary directory if this run had to make it again, and so has to remove it; None if not."""
        self.folder = folder
        self.children: set[OpenedFolder] = set()
        self._lock: int | None = lock
        self._made = made

    @property
    def descriptors(self) -> frozenset[int]:
        """The descriptors that a keeper needs to remove the directory."""
        return frozenset({self.folder.descriptor, *([] if self._lock is None else [self._lock])})

    def in_place(self) -> bool:
        """Return whether the directory and its lock file lie where they were made, and can be used."""
        with contextlib.suppress(OSError):
            held = self._lock is not None and os.fstat(self._lock)
            return held and os.path.samestat(held, (self.folder.path / _LOCK).lstat()) and self.folder.in_place()
        return False

    def retire(self) -> None:
        """Remove the directory; may be called again. This process holds the lock."""
        for child in self.children:
            child.remove()
        # A run that has made this directory and not locked it yet must not find it under its name any more: the run
        # would put a new lock into the emptied directory, and go on.
        self.folder.rename(_RETIRED)
        self.folder.remove()
        self._unlock()
        # The last run removes the user's directory; rmdir() fails while another run has a directory there.
        with contextlib.suppress(OSError):
            self.folder.path.parent.rmdir()
            if self._made is not None:
                self._made.rmdir()

    def retire_as_the_last(self) -> None:
        """Remove the directory unless another process holds the lock, too.

        This is for a keeper that outlives the pytest process. It has closed all descriptors but `descriptors`.
        """
        # Their descriptors are closed here. They lie in the directory, and are removed with it.
        self.children.clear()
        # The lock belongs to the open file that all forks share: it is held until the last of them has closed it. To
        # see whether others hold it, let go of it and try to lock the file as a new one.
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
    """The scratch directories of one run of pytest. The first one that it makes removes those of killed runs."""

    def __init__(self, parent: Path | None = None, ends: OpenEnds | None = None) -> None:
        """`parent` is the temporary directory; None for that of `tempfile`."""
        self.ends = ends or OpenEnds()
        self._parent = parent
        self._parents_mode: int | None = None
        self._pid = os.getpid()
        self._count = 0
        self._runs: list[RunFolder] = []
        """The last one gets new children. Earlier ones, which a test has moved or removed, wait for theirs to end."""

    def __enter__(self) -> ScratchRoot:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def child_folder(self) -> ChildFolder:
        """Return a new, empty directory; raise ScratchError if none can be made."""
        try:
            return self._new_child_folder()
        except OSError as error:
            raise ScratchError(no_room(error)) from error

    def _new_child_folder(self) -> ChildFolder:
        run = self._run()
        self._count += 1
        path = run.folder.path / f"child-{self._count}"
        try:
            # For the user only: hs_err contains the environment, and stdout what the tests print.
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
        # Once in a run: the directories that are removed are those of runs that were killed before this one began.
        if self._count == 0:
            remove_stale(run.folder.path.parent)
        self._runs.append(run)
        return run

    def _temporary_folder(self) -> tuple[Path, Path | None]:
        """Return the directory for the directory of the run, and the same again if this call has made it, else None.

        A test may have removed the temporary directory, which is then made again, or have put something else in its
        place, and then another one serves.
        """
        usual = (self._parent or Path(tempfile.gettempdir())).absolute()
        if self._parents_mode is None:
            # The first call: no test has run, so the user is to know of a temporary directory that cannot be used.
            # stat() raises the error.
            self._parents_mode = stat.S_IMODE(usual.stat().st_mode)
        elif not _takes_files(usual):
            # mkdir() fails if anything else has the name, such as a dangling link, or if the directory above is gone.
            with contextlib.suppress(OSError):
                usual.mkdir()
                usual.chmod(self._parents_mode)
                return usual, usual
            return next(filter(_takes_files, _OTHER_PLACES), usual), None
        return usual, None

    def discard(self, folder: ChildFolder) -> None:
        """Remove a child's directory, and that of the run if no other child uses it; may be called again."""
        folder.remove()
        folder.run.children.discard(folder)
        self._retire_unused(folder.run)

    def _retire_unused(self, run: RunFolder) -> None:
        if not run.children and run in self._runs and os.getpid() == self._pid:
            run.retire()
            self._runs.remove(run)

    def close(self) -> None:
        """Remove all directories that are left; do nothing in a forked child, or if called again."""
        while os.getpid() == self._pid and self._runs:
            self._runs[-1].retire()
            self._runs.pop()


def _takes_files(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _user_folder(parent: Path) -> Path:
    # The name can be guessed, and anybody may write to /tmp: another user may have made the directory, or a link in its
    # place, to read or replace what is written there.
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
        # Another run may be removing: the user's directory as an empty one, or this directory before it is locked.
        with contextlib.suppress(FileNotFoundError), contextlib.ExitStack() as undo:
            path = _user_folder(parent) / f"run-{os.getpid()}-{secrets.token_hex(4)}"
            path.mkdir(mode=0o700)
            undo.callback(_remove_empty, path)
            folder = OpenedFolder(path, ends)
            undo.callback(folder.close)
            if (lock := _try_lock(folder)) is not None:
                undo.callback(os.close, lock)
                # Another run that took the directory for a stale one may have renamed it already, to remove it.
                if folder.in_place():
                    undo.pop_all()
                    return RunFolder(folder, lock, made)
    raise ScratchError(f"scratch directories in {parent} vanish as soon as they are made; {WHAT_TO_DO}")


def _remove_empty(run_folder: Path) -> None:
    with contextlib.suppress(OSError):
        run_folder.rmdir()
        run_folder.parent.rmdir()


def _try_lock(folder: OpenedFolder) -> int | None:
    """Return a descriptor that holds the lock; None if another process holds it or has removed the directory."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    lock = os.open(_LOCK, flags, 0o600, dir_fd=folder.descriptor)

    def is_in_place() -> bool:
        named = os.stat(_LOCK, dir_fd=folder.descriptor, follow_symlinks=False)
        return os.path.samestat(os.fstat(lock), named) and folder.exists()

    return locked_or_closed(lock, is_in_place)


def remove_stale(user_folder: Path) -> None:
    """Remove the directories of runs that were killed."""
    ends = OpenEnds()
    # A retired directory is left by a run that was killed while it removed the directory.
    for path in (*user_folder.glob("run-*"), *user_folder.glob(f"{_RETIRED}*")):
        with contextlib.suppress(OSError), contextlib.ExitStack() as opened:
            folder = OpenedFolder(path, ends)
            opened.callback(folder.close)
            if (lock := _try_lock(folder)) is not None:
                RunFolder(folder, lock, None).retire()
