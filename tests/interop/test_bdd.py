"""pytest-bdd: the steps of a scenario run on the foreign thread."""

from __future__ import annotations

from typing import Final

import pytest

from .conftest import RunWith

FEATURE: Final = """
    Feature: numbers
      @foreign_thread
      Scenario: by a tag
        Given a number 3
        When it is doubled
        Then it is 6

      Scenario: by the marker
        Given a number 3
        When it dies
        Then it is 6

      @foreign_thread
      Scenario Outline: examples
        Given a number <start>
        When it is doubled
        Then it is <end>

        Examples:
          | start | end |
          | 1     | 2   |
          | 2     | 5   |

      Scenario: ordinary
        Given a number 3
        When it is doubled
        Then it is 6
"""
STEPS: Final = """
    import os, threading
    import pytest
    from pytest_bdd import given, parsers, scenario, scenarios, then, when

    @pytest.mark.foreign_thread
    @scenario("numbers.feature", "by the marker")
    def test_by_the_marker():
        pass

    scenarios("numbers.feature")

    @given(parsers.parse("a number {number:d}"), target_fixture="box")
    def box(number):
        return [number]

    @when("it is doubled")
    def double(box, request):
        abroad = request.node.get_closest_marker("foreign_thread") is not None
        assert (threading.current_thread() is not threading.main_thread()) is abroad
        box[0] *= 2

    @when("it dies")
    def die():
        os._exit(3)

    @then(parsers.parse("it is {number:d}"))
    def is_(box, number):
        assert box == [number]
"""


@pytest.mark.parametrize("args", [(), ("--gherkin-terminal-reporter", "-v")], ids=["", "gherkin"])
# The reporter of pytest-bdd shows what the plain one does.
@pytest.mark.by_default("gherkin")
def test_scenarios(run_with: RunWith, args: tuple[str, ...]) -> None:
    run = run_with("pytest-bdd", {"numbers.feature": FEATURE, "test_it.py": STEPS}, *args)
    assert run.outcomes == {
        "test_by_a_tag": "passed",
        "test_by_the_marker": "crash",
        "test_examples[1-2]": "passed",
        "test_examples[2-5]": "failed",
    }, run.output
    assert "in die" in run.output
    assert "INTERNALERROR" not in run.output
    assert run.closing_line == "1 failed, 3 passed, 1 crash"


def test_the_matrix(run_with: RunWith) -> None:
    """A scenario with examples is parametrized; the mode comes after its parameters."""
    run = run_with("pytest-bdd", {"numbers.feature": FEATURE, "test_it.py": STEPS}, "--foreign-thread-modes=new,pool")
    assert {run.outcomes[f"test_examples[1-2-{mode}]"] for mode in ("new", "pool")} == {"passed"}, run.output
    assert run.outcomes["test_by_the_marker[pool]"] == "crash"
