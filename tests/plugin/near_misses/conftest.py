"""These tests crash, hang and fail on purpose: they run by name only, each in a run of its own."""

import pytest

collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session", autouse=True)
def class_archive() -> None:
    """Not needed here: none of these tests runs pytest, and a fresh interpreter would make the archive anew."""
