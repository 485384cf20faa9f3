"""Keeps the documents of a failure, and the files of its bundle, in a directory for each test.

Only its owner may read the directory: it contains what a test wrote and what a dying process had in its memory.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

from ...model.records import RunRecord

_NAME_LENGTH = 80

Bundle = Callable[[RunRecord, str], Mapping[str, str]]
"""Takes a record and pytest's traceback; returns file name → text."""


@dataclass(frozen=True)
class Kept:
    """The documents that were kept."""

    paths: dict[str, str]
    """Name of a document → its path."""
    note: str | None = None
    """Why documents were not kept; None if all were."""


class Artifacts:
    """Keeps the documents of each test's last abnormal run below `root`. If `root` is None, nothing is kept."""

    def __init__(self, root: Path | None, why_none: str | None = None, bundle: Bundle | None = None) -> None:
        self._root = root
        self._why_none = why_none
        self._bundle = bundle
        self._there = _names_in(root)
        """Names of the tests' directories, of an earlier run or this one: `forget` removes only what is in the set."""
        self._open: Path | None = None
        """The directory of the test that was kept last."""

    def keep(self, nodeid: str, documents: Mapping[str, str]) -> Kept:
        """Write the documents that are not empty, without the secrets that HotSpot quotes in them.

        An OSError becomes a note of the result.
        """
        self.forget(nodeid)
        self._open = None
        self._there.add(folder_name(nodeid))
        texts = {name: text for name, text in documents.items() if text}
        if self._root is None or not texts:
            return Kept({}, _note("documents", self._why_none) if self._why_none and texts else None)
        # Imported here: a run whose tests pass keeps nothing.
        from . import document_redaction

        paths: dict[str, str] = {}
        try:
            for name, text in document_redaction.without_secrets(texts).items():
                paths[name] = str(_written(self._folder(self._root, nodeid) / f"{name}.txt", text))
        except OSError as error:
            return Kept(paths, _note("documents", error))
        return Kept(paths)

    def complete(self, record: RunRecord, traceback: str) -> str | None:
        """Add the bundle's files to the test's directory if a bundle is wanted. Return a note if that fails."""
        if self._root is None or self._bundle is None:
            return None
        try:
            for name, text in self._bundle(record, traceback).items():
                _written(self._folder(self._root, record.nodeid) / name, text)
        except OSError as error:
            return _note("the bundle", error)
        return None

    def _folder(self, root: Path, nodeid: str) -> Path:
        folder = root / folder_name(nodeid)
        if folder != self._open:
            _make_private_folder(folder)
            self._open = folder
        return folder

    def forget(self, nodeid: str) -> None:
        """Remove the directory that an earlier run of the test left."""
        if self._root is not None and self._there and (name := folder_name(nodeid)) in self._there:
            shutil.rmtree(self._root / name, ignore_errors=True)


def _names_in(root: Path | None) -> set[str]:
    try:
        return set(os.listdir(root)) if root is not None else set()
    except OSError:
        return set()


def _written(path: Path, text: str) -> Path:
    # O_EXCL after the removal: a link that somebody put there is not followed.
    path.unlink(missing_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            with _if_it_can_be():
                os.fchmod(descriptor, 0o600)
            file.write(text)
    except OSError:
        # Nobody could tell half a document from a whole one.
        with suppress(OSError):
            path.unlink()
        raise
    return path


def _make_private_folder(folder: Path) -> None:
    """Make the directory, and its parents that do not exist, readable by the owner only.

    Raise OSError if the path is another user's directory, or no directory.
    """
    for one in reversed(folder.parents):
        if not one.exists():
            with suppress(FileExistsError):
                _make_private(one)
    try:
        _make_private(folder)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise
        folder.chmod(0o700)


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    with _if_it_can_be():
        folder.chmod(0o700)


def _if_it_can_be() -> AbstractContextManager[None]:
    """Suppress PermissionError, which some file systems raise because they have no permissions.

    The permissions must be set again after the creation, because the umask may have removed the owner's as well.
    """
    return suppress(PermissionError)


def _note(what: str, reason: object) -> str:
    return f"{what} could not be kept: {reason}"


def folder_name(nodeid: str) -> str:
    """Return the name of the test's directory. The hash tells tests apart whose readable parts are the same.

    Length and characters are limited to what any file system accepts.
    """
    readable = re.sub(r"[^A-Za-z0-9_.-]+", "-", nodeid).strip("-.")[-_NAME_LENGTH:]
    return f"{readable}-{hashlib.sha256(nodeid.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
