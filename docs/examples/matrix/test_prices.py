import threading

import pytest

pytestmark = pytest.mark.foreign_thread

SETTINGS = threading.local()
SETTINGS.currency = "EUR"


def test_sum():
    assert sum([1, 2]) == 3


def test_currency():
    assert SETTINGS.currency == "EUR"


def test_name_in_the_log():
    assert not threading.current_thread().name.startswith("Dummy-")
