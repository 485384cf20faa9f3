"""Two tests of a feed. The counter stands for a race: it makes one round of a hundred fail."""

import itertools

import pytest

pytestmark = pytest.mark.foreign_thread(mode="native")
rounds = itertools.count(1)


def test_a_late_price():
    assert next(rounds) % 100 != 37, "the price came after the feed was closed"


def test_a_closed_feed(tmp_path):
    assert list(tmp_path.iterdir()) == []
