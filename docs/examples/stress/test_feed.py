"""Two tests of a feed. The switch interval stands for a race: rounds fail in which threads take turns very fast."""

import sys

import pytest

pytestmark = pytest.mark.foreign_thread(mode="native")


def test_a_late_price():
    assert sys.getswitchinterval() > 2e-6, "the price came after the feed was closed"


def test_a_closed_feed(tmp_path):
    assert list(tmp_path.iterdir()) == []
