"""A child that gives up its rights and crashes: its error log is read where HotSpot puts it, and is not left there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

from .conftest import RunSuite

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

SUITE: Final = """
    import ctypes, os, pathlib, shutil
    import pytest

    pytestmark = pytest.mark.foreign_thread(mode=["main", "same"])

    def become_nobody():
        os.setgid(65534)
        os.setuid(65534)

    def test_in_the_folder_of_the_run():
        become_nobody()
        ctypes.string_at(0)

    def test_in_another_folder():
        os.chdir("other")
        become_nobody()
        ctypes.string_at(0)

    def test_nowhere():
        os.chdir("closed")
        become_nobody()
        ctypes.string_at(0)

    def test_its_own_child():
        pid = os.fork()
        if pid == 0:
            become_nobody()
            ctypes.string_at(0)
        os.waitpid(pid, 0)

    def test_prints_the_path_of_a_file_of_the_users():
        users = pathlib.Path("other/hs_err_pid1.log").absolute()
        users.write_text("the user's")
        print(f"# {users}", flush=True)
        os._exit(3)
"""


def logs(folder: Path) -> list[Path]:
    names = ("hs_err_pid*", "replay_pid*", "core*")
    return [
        path
        for place in (folder, folder / "other", folder / "closed", Path("/tmp"))
        for name in names
        for path in place.glob(name)
    ]


def test_logs_of_a_child_without_rights(run_suite: RunSuite, tmp_path: Path) -> None:
    before = logs(tmp_path)
    # One more where a worker of xdist runs this.
    for parent in tmp_path.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o055)
    tmp_path.chmod(0o777)
    (tmp_path / "other").mkdir()
    (tmp_path / "other").chmod(0o777)
    (tmp_path / "closed").mkdir(mode=0o755)
    run = run_suite(SUITE, "-p", "no:cacheprovider")
    for name, entry in run.tests.items():
        if "its_own" in name:
            assert entry["outcome"] == "passed"
        elif "prints" in name:
            assert entry["outcome"] == "crash"
        else:
            assert (entry["outcome"], entry["signal"]) == ("segfault", "SIGSEGV"), name
            assert entry["problematic_frame"], name
    users = tmp_path / "other" / "hs_err_pid1.log"
    assert users.read_text() == "the user's"
    users.unlink()
    assert logs(tmp_path) == before
