"""Rounds of one test in several workers of xdist: which worker runs which rounds, and the tally of all together."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_foreignthread.interop.xdist import send_that_dist_is_each, share_of_each
from pytest_foreignthread.model.outcomes import Outcome
from pytest_foreignthread.model.stress_choice import ALL_ROUNDS, Amount, Seed, Share
from pytest_foreignthread.report.stress_words import stressed_tests
from pytest_foreignthread.stress.tally import Tally
from pytest_foreignthread.stress.together import together

from .sample_tally import ASSERTION, HANG, SEGFAULT

KINDS: Final = (None, ASSERTION, HANG, SEGFAULT)


@given(st.integers(1, 200), st.integers(1, 40))
def test_the_workers_share_the_rounds(rounds: int, workers: int) -> None:
    shares = [Share(first, workers) for first in range(1, workers + 1)]
    parts = [share.part_of(Amount(rounds, None)).rounds or 0 for share in shares]
    numbers = [share.number(done) for share, part in zip(shares, parts, strict=True) for done in range(part)]
    # With more workers than rounds each worker runs one all the same: a test has to have an outcome.
    assert sorted(numbers) == [*range(1, max(rounds, workers) + 1)]
    assert max(parts) - min(parts) <= 1


def test_each_worker_has_all_of_a_time() -> None:
    assert Share(2, 3).part_of(Amount(None, 60.0)) == Amount(None, 60.0)
    assert ALL_ROUNDS.part_of(Amount(7, None)) == Amount(7, None)


def tally_of(kinds: list[Any], share: Share, *, may_stop: bool) -> dict[str, Any]:
    planned = share.part_of(Amount(len(kinds), None))
    tally = Tally(Seed(7), planned, may_stop=may_stop, share=share)
    for _ in range(planned.rounds or 0):
        number = tally.next_number
        if (kind := kinds[number - 1]) is None:
            tally.add_pass(Outcome.PASSED, 0.001)
        else:
            tally.add(kind, f"first in {number}", "shaken", Seed(7, number), 0.002)
    return tally.as_data(("a.py::test",), 1.5)


@given(st.lists(st.sampled_from(KINDS), min_size=4, max_size=60), st.integers(1, 4), st.booleans())
def test_the_shares_together_are_the_tally_of_all_rounds(kinds: list[Any], workers: int, may_stop: bool) -> None:
    shares = [tally_of(kinds, Share(first, workers), may_stop=may_stop) for first in range(1, workers + 1)]
    whole, found = tally_of(kinds, ALL_ROUNDS, may_stop=may_stop), together(shares)
    for name in ("seed", "threads", "planned", "rounds", "failed", "seconds", "interval", "outcomes"):
        assert found[name] == whole[name]
    assert found["verdict"].partition(" (")[0] == whole["verdict"].partition(" (")[0]
    assert by_kind(found["rows"]) == by_kind(whole["rows"])


def by_kind(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: str(row["outcome"]))


def test_what_cut_the_shares_short_is_said() -> None:
    first = tally_of([None] * 8, Share(1, 2), may_stop=True)
    second = tally_of([None] * 8, Share(2, 2), may_stop=True)
    cut = together([{**first, "stopped": "at the first failure", "interrupted": True}, second])
    assert cut["verdict"].endswith(
        ", valid for a run that stops early; stopped early in 1 of 2 runs; the run was interrupted"
    )
    assert together([first]) is first
    skipped = together([{**first, "skipped": True}, second, {**second, "skipped": True}])
    assert skipped["verdict"].endswith("; ended by a skipped round in 2 of 3 runs")


def test_a_report_has_each_test_of_each_mode_once() -> None:
    one = tally_of([None, SEGFAULT], Share(1, 2), may_stop=False)
    two = tally_of([None, SEGFAULT], Share(2, 2), may_stop=False)
    entries: list[dict[str, Any]] = [
        {"test": "a", "mode": "new", "stress": one},
        {"test": "a", "mode": "main", "stress": one},
        {"test": "b", "mode": "new", "stress": None},
        {"test": "a", "mode": "new", "stress": two},
    ]
    found = [(entry["test"], entry["mode"], entry["stress"]["failed"]) for entry in stressed_tests(entries)]
    assert found == [("a", "new", 1), ("a", "main", 0)]


def worker(dist: str, **sent: object) -> Any:
    """Return the config of a worker to which the controller has sent this."""
    node: Any = SimpleNamespace(config=SimpleNamespace(getoption=lambda *_: dist), workerinput=dict(sent))
    send_that_dist_is_each(node)
    return SimpleNamespace(workerinput=node.workerinput)


@pytest.mark.parametrize(
    ("config", "share"),
    [
        (worker("each", workerid="gw0", workercount=3), (1, 3)),
        (worker("each", workerid="gw2", workercount=3), (3, 3)),
        # xdist has started it in place of a worker that has died.
        (worker("each", workerid="gw3", workercount=3), (1, 3)),
        (worker("load", workerid="gw0", workercount=3), None),
        (worker("each", workerid="of another plugin", workercount=3), None),
        (worker("each", workerid="gw0"), None),
        (SimpleNamespace(), None),
    ],
)
def test_the_share_of_a_worker(config: Any, share: tuple[int, int] | None) -> None:
    assert share_of_each(config) == share
