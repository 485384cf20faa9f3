"""Whatever a test does to the files around it, the run goes on, nothing is waited for, and nothing stays behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from .conftest import SuiteRun, run_suite_in

HELPERS: Final = """
    import ctypes, os, shutil, signal, tempfile
    from pathlib import Path

    def scratch():
        # The child holds a document open.
        held = [Path(os.readlink(f"/proc/self/fd/{number}")) for number in range(3, 300)
                if os.path.lexists(f"/proc/self/fd/{number}")]
        return next(path.parent for path in held if path.parent.name.startswith("child-"))

    def replace(name, make):
        path = scratch() / name
        path.unlink(missing_ok=True)
        make(path)

    def sparse(path):
        with path.open("wb") as file:
            file.truncate(2**40)
            file.seek(0, 2)
            file.write(b"its end")

    KINDS = {
        "fifo": os.mkfifo,
        "link": lambda path: path.symlink_to(Path("secret").absolute()),
        "directory": Path.mkdir,
        "endless": lambda path: path.symlink_to("/dev/zero"),
        "sparse": sparse,
    }
    if os.geteuid() == 0:
        KINDS["device"] = lambda path: os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))
"""
SUITE: Final = """
    import pytest
    from helpers import *

    # Without a JVM, which these do not need.
    pytestmark = pytest.mark.forked
    kinds = pytest.mark.parametrize("kind", KINDS)
    names = pytest.mark.parametrize("name", ["hs_err", "python", "stdout", "error_file"])

    @names
    @kinds
    def test_fails(name, kind):
        replace(name, KINDS[kind])
        assert False

    @names
    @kinds
    def test_dies(name, kind):
        replace(name, KINDS[kind])
        os._exit(3)

    @kinds
    def test_hangs(kind):
        replace("python_hang", KINDS[kind])
        signal.pause()

    @pytest.mark.foreign_thread(mode="main")
    def test_with_a_jvm():
        replace("hs_err", os.mkfifo)
        assert False

    @pytest.mark.foreign_thread(mode="main", isolation="module")
    class TestShared:
        def test_first(self):
            replace("stdout", KINDS["link"])

        def test_prints(self):
            print("printed")
"""
GOT: Final = {
    "fifo": "a FIFO",
    "link": "a symbolic link",
    "directory": "a directory",
    "endless": "a symbolic link",
    "device": "a device",
}


@pytest.fixture(scope="module")
def replaced(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    folder = tmp_path_factory.mktemp("replaced")
    (folder / "secret").write_text("not the child's")
    files = {"helpers.py": HELPERS, "test_it.py": SUITE}
    return run_suite_in(folder, files, "--foreign-thread-artifacts=kept", "-k", "not hangs")


def entries(run: SuiteRun, name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for test, entry in run.tests.items():
        if test.startswith(name):
            kind, document = test.partition("[")[2].rstrip("]").split("-")[:2]
            yield kind, document, entry


@pytest.mark.parametrize(("name", "outcome"), [("test_fails", "failed"), ("test_dies", "crash")])
def test_a_document_that_is_no_file_is_missing_and_reported(replaced: SuiteRun, name: str, outcome: str) -> None:
    found = list(entries(replaced, name))
    assert len(found) >= 20
    for kind, document, entry in found:
        assert entry["outcome"] == outcome
        if kind in GOT and document != "error_file":
            assert entry["missing"][document] == (f"it could not be read: expected a regular file, got {GOT[kind]}")


def test_of_an_endless_document_the_end_is_kept(replaced: SuiteRun) -> None:
    texts = [
        Path(entry["artifacts"][name])
        for kind, name, entry in entries(replaced, "test_dies")
        if kind == "sparse" and name in entry["artifacts"]
    ]
    assert texts
    for path in texts:
        assert path.read_text().endswith("its end")
        assert path.stat().st_size < 5 * 2**20


def test_what_a_link_leads_to_is_neither_read_nor_written(replaced: SuiteRun) -> None:
    assert replaced.outcomes["TestShared::test_prints"] == "passed"
    assert (replaced.folder / "secret").read_text() == "not the child's"
    kept = [path for path in (replaced.folder / "kept").rglob("*") if path.is_file()]
    assert [path for path in kept if "not the child's" in path.read_text()] == []


def test_a_dump_of_a_hang_that_is_no_file_is_missing(tmp_path: Path) -> None:
    files = {"helpers.py": HELPERS, "test_it.py": SUITE}
    run = run_suite_in(tmp_path, files, "-k", "hangs and (fifo or endless)", "--foreign-thread-timeout=1")
    assert set(run.outcomes.values()) == {"hang"}
    assert run.output.count("2 hang")


FOLDERS: Final = """
    import pytest
    from helpers import *

    pytestmark = pytest.mark.MARK
    home = Path("home").absolute()

    def test_removes_the_temporary_folder():
        shutil.rmtree(tempfile.gettempdir())

    def test_passes(): pass

    def test_removes_the_temporary_folder_and_dies():
        shutil.rmtree(tempfile.gettempdir())
        os._exit(3)

    def test_moves_its_folder_and_dies():
        scratch().rename(home.parent / f"moved-{os.getpid()}")
        os._exit(3)

    def test_moves_the_folder_of_the_run():
        scratch().parent.rename(home.parent / f"moved-{os.getpid()}")

    def test_replaces_its_folder_by_a_link():
        folder = scratch()
        shutil.rmtree(folder)
        folder.symlink_to(home)

    def test_replaces_the_folder_of_the_run_by_a_link():
        folder = scratch().parent
        shutil.rmtree(folder)
        folder.symlink_to(home)

    def test_takes_the_permissions():
        folder = scratch()
        (folder / "a" / "b").mkdir(parents=True)
        for path in (folder / "a", folder, folder.parent): path.chmod(0)

    def test_makes_a_deep_folder():
        os.chdir(scratch())
        for _ in range(3000):
            os.mkdir("a" * 100)
            os.chdir("a" * 100)

    def test_dies():
        os._exit(4)
"""
# What stands in the place of the temporary folder at the end of the run.
REPLACED: Final = """
    import pytest
    from helpers import *

    pytestmark = pytest.mark.MARK

    def test_passes(): pass

    def test_puts_a_file_in_its_place():
        shutil.rmtree(os.environ["TMPDIR"])
        Path(os.environ["TMPDIR"]).touch()

    def test_dies(): os._exit(4)

    def test_puts_a_pipe_in_its_place():
        Path(os.environ["TMPDIR"]).unlink()
        os.mkfifo(os.environ["TMPDIR"])

    def test_dies_as_well(): os._exit(4)

    def test_puts_a_link_that_leads_nowhere_in_its_place():
        Path(os.environ["TMPDIR"]).unlink()
        os.symlink("/nowhere/at/all", os.environ["TMPDIR"])

    def test_dies_for_the_third_time(): os._exit(4)

    def test_puts_a_link_to_itself_in_its_place():
        Path(os.environ["TMPDIR"]).unlink()
        os.symlink(os.environ["TMPDIR"], os.environ["TMPDIR"])

    def test_dies_for_the_fourth_time(): os._exit(4)

    def test_removes_the_directory_above():
        shutil.rmtree(os.path.dirname(os.environ["TMPDIR"]))

    def test_dies_for_the_last_time(): os._exit(4)
"""


WAYS: Final = {
    "ready": ('foreign_thread(mode="python")', ()),
    "forked": ("forked", ()),
    "shared": ('foreign_thread(mode="main")', ("--foreign-thread-isolation=module",)),
    "spawned": ("forked", ("--foreign-thread-start=spawn",)),
}


@pytest.mark.parametrize(("mark", "args"), WAYS.values(), ids=WAYS)
# The others have the same folders, with children of another start.
@pytest.mark.by_default("forked", "shared")
def test_folders_that_are_gone_cost_no_other_test(tmp_path: Path, mark: str, args: tuple[str, ...]) -> None:
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    for folder in (home, home / "inner", temporary):
        folder.mkdir(mode=0o755)
    (home / "inner" / "file").write_text("the user's")
    files = {"helpers.py": HELPERS, "test_it.py": FOLDERS.replace("MARK", mark)}
    run = run_suite_in(tmp_path, files, *args, env={"TMPDIR": str(temporary)})
    assert run.outcomes == {name: "crash" if "dies" in name else "passed" for name in run.outcomes}, run.output
    assert len(run.outcomes) == 10
    for name, entry in run.tests.items():
        lost = name.startswith(("test_removes", "test_replaces"))
        assert ("scratch directory" in entry["missing"]) == lost, name
    assert "python" in run.tests["test_moves_its_folder_and_dies"]["artifacts"]
    assert (home / "inner" / "file").read_text() == "the user's"
    assert (home / "inner").stat().st_mode & 0o777 == 0o755
    assert list(tmp_path.glob("moved-*")) == []
    assert list(tmp_path.glob("tmp/pytest-foreignthread*")) == []
    assert "INTERNALERROR" not in run.output + run.errors


@pytest.mark.parametrize(("mark", "args"), WAYS.values(), ids=WAYS)
# A fresh interpreter gets its folder from the same process as these.
@pytest.mark.by_default("ready", "forked", "shared")
def test_what_replaces_the_temporary_folder_costs_no_other_test(
    tmp_path: Path, mark: str, args: tuple[str, ...]
) -> None:
    """Its scratch files lie in another temporary folder of the machine, and are removed there."""
    temporary = tmp_path / "above" / "tmp"
    temporary.mkdir(parents=True)
    files = {"helpers.py": HELPERS, "test_it.py": REPLACED.replace("MARK", mark)}
    run = run_suite_in(tmp_path, files, *args, env={"TMPDIR": str(temporary)})
    assert run.outcomes == {name: "crash" if "dies" in name else "passed" for name in run.outcomes}, run.output
    assert len(run.outcomes) == 11
    assert all("python" in entry["artifacts"] for name, entry in run.tests.items() if "dies" in name)
    assert not temporary.parent.exists()
    pids = {path.name.split("-")[1] for path in Path("/tmp").glob(f"pytest-foreignthread-{os.getuid()}/run-*")}
    assert not {pid for pid in pids if not Path(f"/proc/{pid}").exists()}
