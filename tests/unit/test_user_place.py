"""The line of the user's own code: which frames are nobody else's, and what is shown of the line."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import threading
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from pytest_foreignthread.model.records import Evidence, Place
from pytest_foreignthread.model.stacks import NativeFrame, PythonFrame, Thread
from pytest_foreignthread.report.pytest.user_place import user_place

OURS: Final = str(Path(sys.modules[user_place.__module__].__file__ or "").parents[2] / "child" / "callback.py")


def evidence(*frames: PythonFrame | NativeFrame, current: bool = True) -> Evidence:
    return Evidence(threads=(Thread("foreign-1", 7, 8, current, (frames,)),))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "test_it.py").write_text("first = 1\n    second = 'ü\t\x1b[2J'\n" + "x" * 500 + "\n", encoding="utf-8")
    return tmp_path


OTHERS: Final = {
    "this plugin's": OURS,
    "the standard library's": threading.__file__,
    "an installed package's": pytest.__file__,
    "of a virtual environment below the root": "ROOT/.venv/lib/python3.11/site-packages/numpy/core.py",
    "of Debian's packages": "/usr/lib/python3/dist-packages/apt/cache.py",
    "frozen": "<frozen runpy>",
    "text": "<string>",
    "relative": "test_it.py",
}


@pytest.mark.parametrize("file", OTHERS.values(), ids=OTHERS)
def test_the_frames_of_others_are_passed_over(root: Path, file: str) -> None:
    other = PythonFrame(file.replace("ROOT", str(root)), 3, "call")
    users = PythonFrame(str(root / "test_it.py"), 1, "test")
    assert user_place(evidence(other), root) is None
    assert user_place(evidence(NativeFrame("libc.so.6", "strlen", ""), other, users), root) == Place(
        "test_it.py", 1, "first = 1"
    )


def test_what_started_pytest_is_no_place_of_the_users(root: Path) -> None:
    main = PythonFrame(OURS.replace("callback.py", "main.py"), 90, "run")
    script = PythonFrame(str(root / "test_it.py"), 1, "<module>")
    assert user_place(evidence(PythonFrame(pytest.__file__, 3, "call"), main, script), root) is None


def test_the_newest_line_counts(root: Path) -> None:
    frames = [PythonFrame(str(root / "test_it.py"), line, "f") for line in (1, 2)]
    found = user_place(evidence(*frames), root)
    assert found is not None
    assert found.line == 1


def test_code_of_the_users_outside_of_the_root(root: Path) -> None:
    assert user_place(evidence(PythonFrame(str(root / "test_it.py"), 1, "f")), root / "tests") == Place(
        str(root / "test_it.py"), 1, "first = 1"
    )


def test_a_root_in_the_standard_library() -> None:
    """The tests of CPython itself."""
    root = Path(sysconfig.get_path("stdlib"))
    found = user_place(evidence(PythonFrame(str(root / "test" / "test_x.py"), 3, "f")), root)
    assert found == Place(os.path.join("test", "test_x.py"), 3, "")


def test_what_is_shown_of_a_line(root: Path) -> None:
    second, third, beyond = (
        user_place(evidence(PythonFrame(str(root / "test_it.py"), line, "f")), root) for line in (2, 3, 9)
    )
    assert second == Place("test_it.py", 2, "second = 'ü\\t\\x1b[2J'")
    assert third == Place("test_it.py", 3, "x" * 120 + "…")
    assert beyond == Place("test_it.py", 9, "")


@pytest.mark.parametrize("kind", ["none", "fifo", "folder", "bytes"])
def test_a_file_that_cannot_be_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "test_it.py"
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "bytes":
            path.write_bytes(b"\xff\xfe\n")
    # In a process of its own: one that opened the FIFO would wait for ever.
    program = (
        "from pathlib import Path\n"
        "from tests.unit.test_user_place import *\n"
        f"root = Path({str(tmp_path)!r})\n"
        "print(ascii(user_place(evidence(PythonFrame(str(root / 'test_it.py'), 1, 'f')), root).source))\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == ("'\\ufffd\\ufffd'" if kind == "bytes" else "''"), done.stderr


def test_there_is_none_without_a_thread_or_a_line(root: Path) -> None:
    frame = PythonFrame(str(root / "test_it.py"), None, "f")
    assert user_place(evidence(frame), root) is None
    assert user_place(evidence(PythonFrame(frame.file, 1, "f"), current=False), root) is None
    assert user_place(Evidence(), root) is None


EXIT: Final = PythonFrame(OURS.replace("callback.py", "finalization.py"), 39, "leave")


def at_exit(root: Path, *newer: PythonFrame, daemon: bool | None = None) -> Place | None:
    """Return the line of a main thread that the exit keeps in `newer`, beside a thread of the user's."""
    script = PythonFrame(str(root / "test_it.py"), 3, "<module>")
    users = PythonFrame(str(root / "test_it.py"), 1, "work")
    threads = (Thread("MainThread", 7, 8, True, ((*newer, EXIT, script),)), Thread("w", 9, 10, False, ((users,),)))
    return user_place(Evidence(threads=(threads[0], replace(threads[1], daemon=daemon))), root)


def test_what_called_pytest_has_no_part_in_the_exit(root: Path) -> None:
    assert at_exit(root) is None
    handler = PythonFrame(str(root / "test_it.py"), 2, "close")
    assert at_exit(root, handler, daemon=False) == Place("test_it.py", 2, "second = 'ü\\t\\x1b[2J'")


def test_what_called_pytest_has_no_part_in_a_test(root: Path) -> None:
    """A signal may find the main thread waiting for the test's body: then it has no line of the user's."""
    main = PythonFrame(OURS.replace("callback.py", "main.py"), 65, "run")
    command = PythonFrame("/opt/venv/bin/pytest", 8, "<module>")
    users = PythonFrame(str(root / "test_it.py"), 1, "body")
    assert user_place(evidence(PythonFrame(threading.__file__, 3, "wait"), main, command), root) is None
    assert user_place(evidence(users, main, command), root) == Place("test_it.py", 1, "first = 1")


def test_the_line_of_the_thread_that_the_exit_waits_for(root: Path) -> None:
    assert at_exit(root, daemon=False) == Place("test_it.py", 1, "first = 1")
