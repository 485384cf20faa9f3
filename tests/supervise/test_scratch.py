from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pytest_foreignthread.model.observation import Exited
from pytest_foreignthread.supervise.opened_folder import OpenedFolder
from pytest_foreignthread.supervise.process import scratch
from pytest_foreignthread.supervise.process.scratch import ScratchError, ScratchRoot
from tests.supervise.real_children import PATIENCE, await_line, hang, held, run

ROOT = Path(__file__).parents[2]


def user_folder(parent: Path) -> Path:
    return parent / f"pytest-foreignthread-{os.getuid()}"


def run_folder(root: ScratchRoot) -> Path:
    """Return the folder of the run, which is there once a child's is."""
    return root.child_folder().run.folder.path


def test_folders_are_new_private_and_removed(tmp_path: Path) -> None:
    with ScratchRoot(tmp_path) as root:
        first, second = root.child_folder(), root.child_folder()
        (first.path / "file").write_text("text")
        assert first.path != second.path
        of_run = first.run.folder.path
        assert of_run.parent == user_folder(tmp_path)
        modes = {stat.S_IMODE(path.stat().st_mode) for path in (of_run.parent, of_run, first.path, second.path)}
        assert modes == {0o700}
        root.discard(first)
        assert not first.path.exists()
        assert second.path.exists()
    assert list(tmp_path.iterdir()) == []


def test_the_last_child_takes_the_folder_of_the_run_along(tmp_path: Path) -> None:
    """Between two tests there is nothing that a killed pytest process could leave."""
    with ScratchRoot(tmp_path) as root:
        names = set()
        for _ in range(3):
            assert list(tmp_path.iterdir()) == []
            folder = root.child_folder()
            names.add(folder.path.name)
            root.discard(folder)
            root.discard(folder)
        assert len(names) == 3


def test_it_lies_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with ScratchRoot() as root:
        assert run_folder(root).parent == user_folder(tmp_path)


def test_runs_beside_each_other_leave_each_other_alone(tmp_path: Path) -> None:
    with ScratchRoot(tmp_path) as first:
        with ScratchRoot(tmp_path) as second:
            of_first, of_second = run_folder(first), run_folder(second)
            assert of_first != of_second
            assert of_first.exists()
        assert of_first.exists()
        assert not of_second.exists()


def test_close_may_be_called_again_and_not_by_a_child(tmp_path: Path) -> None:
    root = ScratchRoot(tmp_path)
    path = run_folder(root)
    assert run(lambda sender: root.close()).end == Exited(0)
    assert path.exists()
    root.close()
    root.close()
    assert not path.exists()


def test_folder_of_a_killed_run_is_removed_by_the_next(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys, time; from pytest_foreignthread.supervise.process.scratch import ScratchRoot\n"
        "folder = ScratchRoot(pathlib.Path(sys.argv[1])).child_folder(); (folder.path / 'file').touch()\n"
        "pathlib.Path(sys.argv[1], 'path').write_text(f'{folder.run.folder.path}\\n'); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT)
    try:
        left = Path(await_line(tmp_path / "path"))
        with ScratchRoot(tmp_path) as root:
            root.child_folder()
            assert left.exists()
    finally:
        process.kill()
        process.wait(PATIENCE)
    assert left.exists()
    with ScratchRoot(tmp_path) as root:
        assert run_folder(root).exists()
        assert not left.exists()


def test_folder_without_a_lock_is_removed(tmp_path: Path) -> None:
    left = user_folder(tmp_path) / "run-1-abc"
    left.mkdir(parents=True)
    with ScratchRoot(tmp_path) as root:
        root.child_folder()
        assert not left.exists()


def test_child_that_outlives_the_run_keeps_the_folder_locked(tmp_path: Path) -> None:
    root = ScratchRoot(tmp_path)
    folder = root.child_folder()
    pid = os.fork()
    if pid == 0:
        hang()
    try:
        folder.close()
        folder.run.folder.close()
        folder.run._unlock()
        with (folder.run.folder.path / "lock").open() as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    with ScratchRoot(tmp_path) as second:
        second.child_folder()
        assert not folder.path.exists()


def test_many_runs_that_open_at_once(tmp_path: Path) -> None:
    """In threads: flock tells open files apart, not processes."""
    failures = []

    def open_and_close() -> None:
        for _ in range(30):
            with ScratchRoot(tmp_path) as root:
                if not (folder := root.child_folder()).path.exists():
                    failures.append(folder.path)

    threads = [threading.Thread(target=open_and_close) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert list(tmp_path.iterdir()) == []


def test_link_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    user_folder(tmp_path).symlink_to(target)
    with pytest.raises(ScratchError, match=r"is not a directory: remove it, or set TMPDIR"):
        ScratchRoot(tmp_path).child_folder()
    assert list(target.iterdir()) == []


def test_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    user_folder(tmp_path).mkdir()
    with pytest.raises(ScratchError, match=f"belongs to user {owner}: remove it, or set TMPDIR"):
        ScratchRoot(tmp_path).child_folder()


def test_folder_that_others_may_enter_is_closed_to_them(tmp_path: Path) -> None:
    user_folder(tmp_path).mkdir()
    user_folder(tmp_path).chmod(0o777)
    with ScratchRoot(tmp_path) as root:
        assert stat.S_IMODE(run_folder(root).parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["none", "file"])
def test_no_temporary_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ScratchError, match="set TMPDIR to a directory of yours"):
        ScratchRoot(tmp_path / name).child_folder()


def test_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").touch()
    outside.chmod(0o755)
    with ScratchRoot(tmp_path) as root:
        (root.child_folder().path / "link").symlink_to(outside)
    assert (outside / "file").exists()
    assert stat.S_IMODE(outside.stat().st_mode) == 0o755


def test_folder_without_permissions_is_removed(tmp_path: Path) -> None:
    """By a user who is not root, to whom permissions mean nothing."""
    tmp_path.chmod(0o777)
    # One more where a worker of xdist runs this.
    for parent in tmp_path.parents[:3]:
        parent.chmod(0o755)

    def as_nobody(sender: object) -> None:
        if os.getuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        with ScratchRoot(tmp_path) as root:
            closed = (folder := root.child_folder()).path / "closed"
            (closed / "deeper").mkdir(parents=True)
            closed.chmod(0)
        os._exit(1 if folder.run.folder.path.exists() else 0)

    assert run(as_nobody).end == Exited(0)


def test_a_run_whose_new_directory_is_taken_for_a_stale_one_makes_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run locks it first, renames it, and has let go of it just before this run locks it."""
    lock, taken = scratch._try_lock, list[Path]()

    def late(folder: OpenedFolder) -> int | None:
        if not taken:
            taken.append(folder.path.rename(folder.path.with_name("retired-" + folder.path.name)))
        return lock(folder)

    monkeypatch.setattr(scratch, "_try_lock", late)
    before = held()
    with ScratchRoot(tmp_path) as root:
        made = root.child_folder()
        assert made.in_place()
        assert made.path.parent != taken[0]
    assert held() == before
