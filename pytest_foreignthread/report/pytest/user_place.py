"""The line of the user's own code at which a test ended: the newest frame that belongs to no package and no library."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from itertools import chain, takewhile
from pathlib import Path, PurePath
from typing import Final

from ...model.code_owner import is_in_a_package, is_in_the_standard_library, is_ours
from ...model.records import Evidence, Place
from ...model.stacks import PythonFrame, Thread
from ...supervise import child_files

# The main function of a child, and what finalizes Python at the child's end.
_BEGINNINGS: Final = re.compile(r"[/\\]pytest_foreignthread[/\\]child[/\\](?:main|finalization)\.py$")
_LONGEST: Final = 120
"""Characters of a source line that are shown: enough to recognize the line."""


def user_place(evidence: Evidence, root: Path) -> Place | None:
    """Return the newest line of the user's code on the thread that the record is about; None if there is none.

    A file is the user's if it lies below `root`, which is pytest's rootdir, or if it belongs neither to an installed
    package nor to the standard library. If the main thread waits for the end of another thread, that thread's line is
    returned.
    """
    current = evidence.current_thread
    joined = (thread for thread in evidence.threads if thread.daemon is False and thread is not current)
    for frame in chain.from_iterable(map(_since_the_child_began, (*([] if current is None else [current]), *joined))):
        if frame.line is not None and (file := _users_file(frame.file, root)) is not None:
            return Place(file, frame.line, _source(root / file, frame.line))
    return None


def _since_the_child_began(thread: Thread) -> Iterator[PythonFrame]:
    """Yield the frames newer than the child's main function, or than this plugin's call that finalizes Python.

    Older frames are those of what called pytest: a script, or pytest's own command.
    """
    return takewhile(lambda frame: not _BEGINNINGS.search(frame.file), thread.python_frames)


def _users_file(file: str, root: Path) -> str | None:
    """Return the path of a user's file, relative to `root` if it lies below `root`; None for any other file."""
    # Code without a file has a relative name: `<frozen runpy>`, `<string>`.
    if not os.path.isabs(file) or is_ours(file):
        return None
    below = PurePath(file).is_relative_to(root)
    shown = PurePath(file).relative_to(root) if below else PurePath(file)
    if is_in_a_package(str(shown)) or (not below and is_in_the_standard_library(file)):
        return None
    return str(shown)


def _source(path: Path, number: int) -> str:
    """Return the line without its indentation, in printable characters; empty if the file cannot be read."""
    with contextlib.suppress(OSError, child_files.UnreadableError):
        lines = child_files.read_text(path).splitlines()[number - 1 : number]
        text = "".join(char if char.isprintable() else ascii(char)[1:-1] for line in lines for char in line.strip())
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return ""
