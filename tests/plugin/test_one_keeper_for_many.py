"""Which tests of a run have children of one keeper, and what they see of each other."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from .conftest import run_suite_in

SUITE: Final = """
    import os
    import pytest

    STATE = []

    def note(name):
        STATE.append(name)
        with open("keepers", "a") as file:
            print(name, os.getppid(), len(STATE), file=file)

    @pytest.mark.foreign_thread(mode="native")
    def test_first():
        note("first")

    @pytest.mark.foreign_thread(mode="native-pool")
    def test_second():
        note("second")

    @pytest.mark.foreign_thread(mode="main")
    def test_fails():
        note("fails")
        assert False

    @pytest.mark.foreign_thread(mode="native")
    def test_third():
        note("third")

    @pytest.mark.foreign_thread(mode="main")
    def test_crashes():
        note("crashes")
        os.abort()

    @pytest.mark.foreign_thread(mode="main")
    def test_after_a_crash():
        note("after a crash")

    def test_ordinary():
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        STATE.append("ordinary")

    @pytest.mark.foreign_thread(mode="main")
    def test_after_an_ordinary_one():
        note("after an ordinary one")

    @pytest.mark.foreign_thread(mode="main")
    def test_last():
        note("last")
"""


def keepers(folder: Path) -> dict[str, tuple[int, int]]:
    """Return, by name, the keeper of each test's child and the number of entries that the child found in `STATE`."""
    lines = [line.rsplit(" ", 2) for line in (folder / "keepers").read_text().splitlines()]
    return {name: (int(keeper), int(count)) for name, keeper, count in lines}


def test_children_have_one_keeper_until_the_pytest_process_changes(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("run")
    run = run_suite_in(folder, {"test_it.py": SUITE})
    assert run.outcomes["test_crashes"] == "crash"
    assert run.outcomes["test_fails"] == "failed"
    assert "1 failed" in run.output
    assert "7 passed" in run.output
    found = keepers(folder)
    assert _by_keeper(found) == [
        ["first", "second", "fails"],
        ["third", "crashes"],
        ["after a crash"],
        ["after an ordinary one", "last"],
    ]
    # No child sees what another child did, each sees what an ordinary test did.
    counts = {name: count for name, (_, count) in found.items()}
    assert counts == {**dict.fromkeys(counts, 1), "after an ordinary one": 2, "last": 2}


def _by_keeper(found: dict[str, tuple[int, int]]) -> list[list[str]]:
    names: dict[int, list[str]] = {}
    for name, (keeper, _) in found.items():
        names.setdefault(keeper, []).append(name)
    return list(names.values())


HOOKS: Final = {
    "around": """
        import pytest, test_it

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_protocol(item):
            test_it.STATE.append(item.name)
            try:
                return (yield)
            finally:
                test_it.STATE.remove(item.name)
    """,
    "after": """
        import test_it

        def pytest_runtest_logfinish(nodeid):
            test_it.STATE.append(nodeid)
    """,
}


@pytest.mark.parametrize(("conftest", "counts"), [(HOOKS["around"], [2, 2, 2]), (HOOKS["after"], [1, 2, 3])], ids=HOOKS)
def test_a_child_sees_what_hooks_of_the_project_did(
    tmp_path_factory: pytest.TempPathFactory, conftest: str, counts: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("run")
    run = run_suite_in(folder, {"test_it.py": SUITE, "conftest.py": conftest}, "-k", "first or second or third")
    assert "3 passed" in run.output
    found = keepers(folder)
    assert [count for _, count in found.values()] == counts
    assert len({keeper for keeper, _ in found.values()}) == 3
