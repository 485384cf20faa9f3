"""Tallies of stressed tests with something in every field."""

from __future__ import annotations

from typing import Any, Final

from pytest_foreignthread.model.outcomes import Outcome
from pytest_foreignthread.model.stress_choice import Amount, Part, Seed
from pytest_foreignthread.stress.shrunk import Count, Shrunk
from pytest_foreignthread.stress.tally import Failure, Tally

SEGFAULT: Final = Failure(Outcome.SEGFAULT, "no-gil", "callback")
HANG: Final = Failure(Outcome.HANG, None, "test_it.py:3")
ASSERTION: Final = Failure(Outcome.FAILED, None, "test_it.py:4")


def filled(
    passes: int,
    *failures: Failure,
    seed: Seed = Seed(7),  # noqa: B008
    planned: Amount | None = None,
    may_stop: bool = False,
) -> Tally:
    tally = Tally(seed, planned or Amount(passes + len(failures), None), may_stop=may_stop)
    for _ in range(passes):
        tally.add_pass(Outcome.PASSED, 0.001)
    for failure in failures:
        tally.add(failure, f"summary of {failure.frame}", "shaken", Seed(7, tally.rounds + 1), 0.002)
    return tally


def shrunk() -> dict[str, Any]:
    seed = Seed(7, 398, (Part("submit", 4), Part("pool")))
    without = {"delay at submit 780 µs": Count(0, 20), "pool of 1": Count(0, 20)}
    words = "delay at submit 780 µs, pool of 1"
    found = Shrunk(1.5, "", Count(3, 9), seed, words, Count(1, 2), Count(7, 20), False, without)
    return found.as_data(("test_it.py::test", "--foreign-thread-stress=20", f"--foreign-thread-stress-seed={seed}"))


def tally_data() -> dict[str, Any]:
    """Return the tally of 400 rounds of which three died, with a shrunk schedule."""
    data = filled(397, SEGFAULT, SEGFAULT, HANG).as_data(("test_it.py::test",), 1.5)
    return {**data, "shrunk": shrunk()}


def stressed() -> dict[str, Any]:
    """Return the tally of 3000 rounds of which nine died late."""
    tally = filled(2900, planned=Amount(3000, None))
    for failure in (*[SEGFAULT] * 8, HANG):
        tally.add(failure, "<b>SIGSEGV</b> at address 0x0", "shaken", Seed(7, tally.rounds + 1), 0.002)
    for _ in range(91):
        tally.add_pass(Outcome.PASSED, 0.001)
    return {**tally.as_data(("test_it.py::test",), 4.5), "shrunk": shrunk()}
