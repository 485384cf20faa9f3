"""What a run says at its end of the children that it started."""

from __future__ import annotations

import pytest

from pytest_foreignthread.run.child_costs import MANY, ChildCosts


@pytest.mark.parametrize(
    ("own", "begins"),
    [
        (ChildCosts(), []),
        (ChildCosts(tests=MANY, seconds=9.0, retired=MANY), []),
        (
            ChildCosts(tests=476, seconds=95.4),
            ["foreign-thread: 476 tests had a child each, and waited 95 s for its start; with --foreign-thread-iso"],
        ),
        (
            ChildCosts(retired=58, first_retired="a.py::test: thread x"),
            ["foreign-thread: 58 tests left something in the child that they shared, and another child was started"],
        ),
    ],
)
def test_lines(own: ChildCosts, begins: list[str]) -> None:
    lines = list(own.lines())
    assert [line[: len(begin)] for line, begin in zip(lines, begins, strict=True)] == begins


def test_workers_add_up() -> None:
    one, other, all_of_them = ChildCosts(), ChildCosts(), ChildCosts()
    one.began(0.5)
    other.began(1.0)
    other.left("t.py::test_b", "thread x")
    for worker in (one, other):
        all_of_them.add(worker.as_data())
    assert all_of_them == ChildCosts(tests=2, seconds=1.5, retired=1, first_retired="t.py::test_b: thread x")


@pytest.mark.parametrize(
    ("what", "shown"),
    [
        ("thread x", "thread x"),
        ("", "its child did not say"),
        ("a\x1b[31m\nb", "a?[31m?b"),
        ("x" * 10_000_000, "x" * 200),
    ],
    ids=["words", "nothing", "escapes", "too much"],
)
def test_what_a_child_says_is_shown_as_one_short_line(what: str, shown: str) -> None:
    own = ChildCosts()
    own.left("t.py::test", what)
    assert own.first_retired == f"t.py::test: {shown}"
