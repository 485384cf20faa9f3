"""What a JVM leaves outside of the scratch directory: the child's is removed, and nobody else's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_foreignthread.channel.wire import Sender
from pytest_foreignthread.supervise import jvm_files
from pytest_foreignthread.supervise.jvm_files import StrayLogs, now, remove_jvm_files
from tests.supervise.real_children import detached, hang, run, send_pid, sent_pids

LONG = 10**9


def gone() -> int:
    """Return the pid of a process that has ended."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return pid


@pytest.fixture
def tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (folder := tmp_path / "hotspots").mkdir()
    monkeypatch.setattr(jvm_files, "_TMP", folder)
    return folder


def test_what_a_killed_jvm_leaves_is_removed(tmp: Path) -> None:
    pid = gone()
    names = [f".java_pid{pid}", f".java_pid{pid}.tmp", f".attach_pid{pid}"]
    for name in [*names, ".java_pid1", f".java_pid{pid}0"]:
        (tmp / name).touch()
    remove_jvm_files(pid, now() - LONG)
    assert {path.name for path in tmp.iterdir()} == {".java_pid1", f".java_pid{pid}0"}


def test_what_is_older_than_the_child_or_no_file_stays(tmp: Path, tmp_path: Path) -> None:
    pid = gone()
    (users := tmp_path / "users").write_text("the user's")
    (tmp / f".java_pid{pid}").symlink_to(users)
    os.link(users, tmp / f".attach_pid{pid}")
    (old := tmp / f".java_pid{pid}.tmp").touch()
    os.utime(old, ns=(0, 0))
    before = set(tmp.iterdir())
    remove_jvm_files(pid, now() - LONG)
    assert set(tmp.iterdir()) == before
    assert users.read_text() == "the user's"


def test_nothing_of_a_living_process_is_removed(tmp: Path) -> None:
    (path := tmp / f".java_pid{os.getpid()}").touch()
    remove_jvm_files(os.getpid(), now() - LONG)
    assert path.exists()


def test_files_of_processes_that_the_child_started_are_removed_by_its_keeper() -> None:
    """They are killed with it, and cannot do so themselves."""

    def child_main(sender: Sender) -> None:
        send_pid(sender, "far", far := detached(hang))
        for pid in (os.getpid(), far):
            Path(f"/tmp/.java_pid{pid}").touch()
        send_pid(sender, "child", os.getpid())

    pids = sent_pids(run(child_main))
    assert set(pids) == {"far", "child"}
    assert [pid for pid in pids.values() if Path(f"/tmp/.java_pid{pid}").exists()] == []


def logs(tmp_path: Path, pid: int, since: int | None = None) -> StrayLogs:
    (current := tmp_path / "current").mkdir(exist_ok=True)
    return StrayLogs(pid, now() - LONG if since is None else since, Path("/scratch/child-1"), current)


@pytest.mark.parametrize("place", ["hotspots", "current"])
def test_a_log_by_the_childs_pid(tmp: Path, tmp_path: Path, place: str) -> None:
    stray = logs(tmp_path, 7)
    log, replay, others = (
        tmp_path / place / name for name in ("hs_err_pid7.log", "replay_pid7.log", "hs_err_pid8.log")
    )
    for path in (log, replay, others):
        path.write_text("text")
    assert stray.of_child("") == log
    stray.remove()
    assert [path.exists() for path in (log, replay, others)] == [False, False, True]


def test_a_log_by_the_printed_path(tmp: Path, tmp_path: Path) -> None:
    """A process that the child forked has another pid; its JVM was told where to write."""
    stray = logs(tmp_path, 7)
    (log := tmp_path / "hs_err_pid9.log").write_text("Command Line: -XX:ErrorFile=/scratch/child-1/hs_err -Xint\n")
    (users := tmp_path / "hs_err_pid8.log").write_text("Command Line: -XX:ErrorFile=/scratch/child-10/hs_err\n")
    output = f"#\n# {log}\n# {users}\n# {tmp_path}/\0/hs_err_pid1.log\n# {tmp_path}/current\n"
    assert stray.of_child(output) is None
    stray.remove(output)
    assert (log.exists(), users.exists()) == (False, True)


def test_a_log_that_is_older_or_no_file_stays(tmp: Path, tmp_path: Path) -> None:
    stray = logs(tmp_path, 7)
    (old := tmp / "hs_err_pid7.log").write_text("text")
    os.utime(old, ns=(0, 0))
    os.mkfifo(tmp_path / "current" / "hs_err_pid7.log")
    assert stray.of_child("") is None
    stray.remove()
    assert old.exists()
    assert (tmp_path / "current" / "hs_err_pid7.log").exists()


@pytest.mark.parametrize(
    "number", ["1" * 5000, "9" * 11, "٣", "", "-1"], ids=["endless", "long", "no ASCII", "none", "negative"]
)
def test_a_printed_name_with_a_number_that_is_no_pid(tmp: Path, tmp_path: Path, number: str) -> None:
    stray = logs(tmp_path, 7)
    output = f"# {tmp_path}/hs_err_pid{number}.log\n"
    assert stray.of_child(output) is None
    stray.remove(output)
