"""A destructor whose exception Python itself takes care of, and errors that only look like it."""

from __future__ import annotations

import pytest


class Faulty:
    def __del__(self) -> None:
        raise MemoryError


class Holder:
    held: Faulty | None = None


@pytest.mark.foreign_thread
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_python_destructor() -> None:
    Holder.held = Faulty()
    setattr(Holder, "held", None)  # noqa: B010


@pytest.mark.foreign_thread
def test_plain_system_error() -> None:
    raise SystemError("the bridge is closed") from MemoryError()
