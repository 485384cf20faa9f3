"""Plugins that shuffle, order or repeat tests: pytest-randomly, pytest-order, pytest-repeat."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from .conftest import RunWith

QUICK = "--foreign-thread-native=off"
CHILDREN = pytest.mark.parametrize(
    "args",
    [
        ("--foreign-thread-ready=0",),
        ("--foreign-thread-ready=3",),
        ("--foreign-thread-isolation=module",),
        ("--foreign-thread-isolation=session",),
    ],
    ids=["alone", "ready", "module", "session"],
)
NOTES = """
    def note(*words):
        with open("notes", "a") as file:
            print(*words, file=file)
"""


def notes(folder: Path) -> list[list[str]]:
    """What the tests have noted, in the order of its being noted; the next run starts anew."""
    lines = (folder / "notes").read_text().splitlines()
    (folder / "notes").unlink()
    return [line.split() for line in lines]


SHUFFLED = """
    import os, random
    import pytest
    from noting import note

    pytestmark = [] if "PLAIN" in os.environ else [pytest.mark.foreign_thread(mode="python")]

    @pytest.fixture(autouse=True)
    def drawn(request):
        note(request.node.nodeid, "setup", random.random())
        yield
        note(request.node.nodeid, "teardown", random.random())

    @pytest.mark.parametrize("number", range(3))
    def test_draws(request, number):
        note(request.node.nodeid, "call", random.random())

    class TestInClass:
        def test_draws(self, request):
            note(request.node.nodeid, "call", random.random())

        @pytest.mark.xfail
        def test_fails(self):
            assert random.random() > 1
"""


@CHILDREN
# A shared child is seeded as pytest itself is, test by test.
@pytest.mark.by_default("ready")
def test_pytest_randomly_seeds_each_test_in_its_child_as_in_plain_pytest(
    run_with: RunWith, args: tuple[str, ...]
) -> None:
    files = {"noting.py": NOTES, "test_a.py": SHUFFLED, "test_b.py": SHUFFLED}
    seed = "--randomly-seed=7"
    plain = run_with("randomly", files, seed, env={"PLAIN": "1"})
    assert plain.closing_line == "8 passed, 2 xfailed", plain.output
    wanted = notes(plain.folder)
    run = run_with("randomly", files, QUICK, seed, *args)
    assert run.closing_line == "8 passed, 2 xfailed", run.output
    assert sorted(notes(run.folder)) == sorted(wanted)
    order = list(dict.fromkeys(nodeid for nodeid, *_ in wanted))
    assert [entry["nodeid"] for entry in run.document["tests"]] == order


ORDERED = """
    import pytest
    from noting import note

    @pytest.mark.order(3)
    @pytest.mark.foreign_thread(mode="python")
    def test_third():
        note("third")

    @pytest.mark.order(2)
    def test_second():
        note("second")

    @pytest.mark.order(1)
    @pytest.mark.foreign_thread(mode=["new", "pool"])
    def test_first(request):
        note("first")

    @pytest.mark.order(after="test_third")
    @pytest.mark.foreign_thread(mode="python")
    def test_last():
        note("last")
"""


@CHILDREN
# The order is that of the items, whatever child each has.
@pytest.mark.by_default("session")
def test_pytest_order(run_with: RunWith, args: tuple[str, ...]) -> None:
    run = run_with("pytest_order", {"noting.py": NOTES, "test_it.py": ORDERED}, QUICK, *args)
    assert run.closing_line == "5 passed", run.output
    assert [word for (word,) in notes(run.folder)] == ["first", "first", "second", "third", "last"]


REPEATED = """
    import ctypes
    import pytest
    from noting import note

    @pytest.mark.foreign_thread(mode="python")
    def test_passes():
        note("passes")

    @pytest.mark.foreign_thread(mode=["main", "new"])
    def test_in_modes():
        note("in_modes")

    @pytest.mark.foreign_thread(mode="python")
    def test_crashes():
        ctypes.string_at(0)
"""


@pytest.mark.parametrize("scope", ["function", "session"])
@CHILDREN
# The others repeat in other orders and children.
@pytest.mark.by_default("session-session")
def test_pytest_repeat(run_with: RunWith, args: tuple[str, ...], scope: str) -> None:
    files = {"noting.py": NOTES, "test_it.py": REPEATED}
    run = run_with("repeat", files, QUICK, "--count=3", f"--repeat-scope={scope}", *args)
    assert run.closing_line == "9 passed, 3 segfault", run.output
    assert Counter(word for (word,) in notes(run.folder)) == {"passes": 3, "in_modes": 6}
    assert Counter(run.outcomes.values()) == {"passed": 9, "segfault": 3}
    assert {entry["test"] for entry in run.document["tests"] if "modes" in entry["nodeid"]} == {
        f"test_it.py::test_in_modes[{number}-3]" for number in (1, 2, 3)
    }
