"""A plugin of pytest: a stressed test has rounds until the first one that fails."""

from __future__ import annotations

import pytest

from pytest_foreignthread.run import stress


def pytest_configure(config: pytest.Config) -> None:
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    patch.setattr(stress, "_Rounds", _UntilFailure)


class _UntilFailure(stress._Rounds):
    def _is_enough(self) -> bool:
        return self._tally.failed > 0 or super()._is_enough()
