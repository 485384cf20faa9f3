"""syrupy: a snapshot that a child uses is used, one that it writes is written, and no other is reported or deleted."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Final

import pytest

from ..plugin.conftest import SuiteRun
from .conftest import RunWith, run_with_in

SUITE: Final = """
    import os
    import pytest
    from syrupy.extensions.json import JSONSnapshotExtension

    VALUE, DIES = os.environ.get("VALUE", "first"), "DIES" in os.environ
    foreign_thread = pytest.mark.foreign_thread

    def test_ordinary(snapshot):
        assert snapshot == "here"

    @foreign_thread
    def test_two(snapshot):
        assert "always" == snapshot
        assert snapshot == {"value": VALUE}

    @foreign_thread
    @pytest.mark.parametrize("number", [1, 2])
    def test_numbers(snapshot, number):
        assert number == snapshot
        if DIES:
            os._exit(3)

    @foreign_thread(mode=["main", "new"])
    def test_modes(snapshot):
        assert snapshot(name="own") == "in each mode"

    @pytest.fixture
    def as_json(snapshot):
        return snapshot.use_extension(JSONSnapshotExtension)

    @foreign_thread
    class TestClass:
        def test_json(self, as_json):
            assert as_json == [1]
"""
UNUSED: Final = "# name: test_gone\n  'x'\n# ---\n"


def written(folder: Path) -> dict[str, str]:
    snapshots = folder / "__snapshots__"
    return {str(path.relative_to(snapshots)): path.read_text() for path in snapshots.rglob("*") if path.is_file()}


def counted(run: SuiteRun) -> str:
    """syrupy's line, without the number of those that passed."""
    found = re.search(r"snapshot report summary -+\n(.*)", run.output)
    return found[1] if found else ""


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    return run_with_in(tmp_path_factory.mktemp("first_run"), "syrupy", SUITE, "--snapshot-update")


@pytest.fixture
def snapshots(first_run: SuiteRun, tmp_path: Path) -> dict[str, str]:
    """Those of a first run that wrote them."""
    assert (first_run.status, counted(first_run)) == (0, "7 snapshots generated."), first_run.output
    shutil.copytree(first_run.folder / "__snapshots__", tmp_path / "__snapshots__")
    return written(tmp_path)


def test_each_is_written_once_under_the_name_of_its_test(snapshots: dict[str, str]) -> None:
    assert sorted(snapshots) == ["test_it.ambr", "test_it/TestClass.test_json.json"]
    names = re.findall(r"^# name: (.*)", snapshots["test_it.ambr"], re.MULTILINE)
    assert names == [
        "test_modes[own]",
        "test_numbers[1]",
        "test_numbers[2]",
        "test_ordinary",
        "test_two",
        "test_two.1",
    ]


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("--foreign-thread-isolation=session",),
        ("-p", "xdist", "-n2"),
        ("--foreign-thread-all", "--foreign-thread-modes=main,new"),
    ],
    ids=["test", "session", "xdist", "matrix"],
)
@pytest.mark.parametrize("update", [(), ("--snapshot-update",)], ids=["compared", "updated"])
# The others are the same snapshots, in shared children, in workers and in each mode.
@pytest.mark.by_default("compared-test")
def test_they_are_used_and_stay(
    run_with: RunWith, snapshots: dict[str, str], tmp_path: Path, args: tuple[str, ...], update: tuple[str, ...]
) -> None:
    run = run_with("syrupy", SUITE, *args, *update)
    assert (run.status, counted(run)) == (0, "7 snapshots passed."), run.output
    assert written(tmp_path) == snapshots


def test_a_difference_fails_and_an_update_writes_it(
    run_with: RunWith, snapshots: dict[str, str], tmp_path: Path
) -> None:
    differs = run_with("syrupy", SUITE, env={"VALUE": "other"})
    assert (differs.status, counted(differs)) == (1, "1 snapshot failed. 6 snapshots passed.")
    assert re.search(r"^E +- +'value': 'first',\nE +\+ +'value': 'other',$", differs.output, re.MULTILINE)
    assert written(tmp_path) == snapshots
    updated = run_with("syrupy", SUITE, "--snapshot-update", env={"VALUE": "other"})
    assert (updated.status, counted(updated)) == (0, "6 snapshots passed. 1 snapshot updated.")
    changed = {name: text.replace("'first'", "'other'") for name, text in snapshots.items()}
    assert written(tmp_path) == changed


def test_those_of_a_test_that_dies_are_kept(run_with: RunWith, snapshots: dict[str, str], tmp_path: Path) -> None:
    run = run_with("syrupy", SUITE, "--snapshot-update", env={"DIES": "1"})
    assert run.closing_line == "5 passed, 2 crash"
    assert counted(run) == "5 snapshots passed."
    assert written(tmp_path) == snapshots


def test_one_that_no_test_uses_is_reported_and_deleted(
    run_with: RunWith, snapshots: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "__snapshots__" / "test_it.ambr"
    path.write_text(snapshots["test_it.ambr"] + UNUSED)
    run = run_with("syrupy", SUITE)
    assert (run.status, counted(run)) == (1, "7 snapshots passed. 1 snapshot unused.")
    run = run_with("syrupy", SUITE, "--snapshot-update")
    assert (run.status, counted(run)) == (0, "7 snapshots passed. 1 unused snapshot deleted.")
    assert written(tmp_path) == snapshots


def test_a_snapshot_that_cannot_be_written_fails_its_test(run_with: RunWith) -> None:
    broken = """
        from syrupy.extensions.amber import AmberSnapshotExtension

        def write(**_):
            raise OSError("no room")

        AmberSnapshotExtension.write_snapshot = write
    """
    suite = """
        import pytest

        @pytest.mark.foreign_thread
        def test_it(snapshot):
            assert snapshot == 1
    """
    run = run_with("syrupy", {"conftest.py": broken, "test_it.py": suite}, "--snapshot-update")
    assert (run.tests["test_it"]["outcome"], run.tests["test_it"]["phase"]) == ("error", "teardown"), run.output
    assert "OSError: no room" in run.output
