"""The documents of a failure, kept in a directory of the test's own, and what makes it a bundle.

Its owner alone may read the directory: what a test wrote is in it, and what a dying process had in its memory.
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
from . import document_redaction

_NAME_LENGTH = 80

Bundle = Callable[[RunRecord, str], Mapping[str, str]]
"""Takes a record and pytest's traceback, gives file name → text."""


@dataclass(frozen=True)
class Kept:
    """Name of a document → its path, and why documents are missing there; None where none is."""

    paths: dict[str, str]
    note: str | None = None


class Artifacts:
    """Keeps the documents of each test's last abnormal run below `root`; with root None it keeps nothing."""

    def __init__(self, root: Path | None, why_none: str | None = None, bundle: Bundle | None = None) -> None:
        self._root = root
        self._why_none = why_none
        self._bundle = bundle
        self._there = _names_in(root)
        """Directories of tests, of an earlier run or this one."""
        self._open: Path | None = None
        """The directory of the test that was kept last."""

    def keep(self, nodeid: str, documents: Mapping[str, str]) -> Kept:
        """Write the documents that are not empty, without the secrets that HotSpot quotes in them."""
        self.forget(nodeid)
        self._open = None
        self._there.add(folder_name(nodeid))
        texts = {name: text for name, text in documents.items() if text}
        if self._root is None or not texts:
            return Kept({}, _note("documents", self._why_none) if self._why_none and texts else None)
        paths: dict[str, str] = {}
        try:
            for name, text in document_redaction.without_secrets(texts).items():
                paths[name] = str(_written(self._folder(self._root, nodeid) / f"{name}.txt", text))
        except OSError as error:
            return Kept(paths, _note("documents", error))
        return Kept(paths)

    def complete(self, record: RunRecord, traceback: str) -> str | None:
        """Add the bundle, where one is wanted, to what is kept of the test; give a note when that fails."""
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
        """Remove what an earlier run of the test left."""
        if self._root is not None and self._there and (name := folder_name(nodeid)) in self._there:
            shutil.rmtree(self._root / name, ignore_errors=True)


def _names_in(root: Path | None) -> set[str]:
    try:
        return set(os.listdir(root)) if root is not None else set()
    except OSError:
        return set()


def _written(path: Path, text: str) -> Path:
    path.unlink(missing_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            with _if_it_can_be():
                os.fchmod(descriptor, 0o600)
            file.write(text)
    except OSError:
        # Half a document reads like a whole one.
        with suppress(OSError):
            path.unlink()
        raise
    return path


def _make_private_folder(folder: Path) -> None:
    """Make the directory, and those above it that are not there; raise OSError where another's stands in its place."""
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
    """The umask may have taken the owner's rights as well; some file systems know no rights at all."""
    return suppress(PermissionError)


def _note(what: str, reason: object) -> str:
    return f"{what} could not be kept: {reason}"


def folder_name(nodeid: str) -> str:
    """Return a name that a file system takes; the hash keeps apart what the readable part does not."""
    readable = re.sub(r"[^A-Za-z0-9_.-]+", "-", nodeid).strip("-.")[-_NAME_LENGTH:]
    return f"{readable}-{hashlib.sha256(nodeid.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
