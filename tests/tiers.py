"""Two tiers of tests: `make test` leaves out those with the mark `thorough`, `make test-all` leaves out none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Mark the cases of a parametrized test that its mark `by_default` does not name."""
    cases: dict[str, set[str]] = defaultdict(set)
    named: dict[str, set[str]] = {}
    for item in items:
        chosen = item.get_closest_marker("by_default")
        if chosen is not None:
            test, _, rest = item.nodeid.partition("[")
            case = rest.removesuffix("]")
            cases[test].add(case)
            named[test] = set(chosen.args)
            if case not in chosen.args:
                item.add_marker(pytest.mark.thorough)
    if not is_a_selection(config):
        for test, names in named.items():
            if names - cases[test]:
                raise pytest.UsageError(f"{test}: by_default names {names - cases[test]}, which are no cases of it")


def is_a_selection(config: pytest.Config) -> bool:
    """Return whether pytest may have collected some cases of a test alone."""
    return bool(config.getoption("lf", False)) or any("::" in argument for argument in config.args)
