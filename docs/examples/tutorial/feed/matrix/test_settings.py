import threading

import pytest

SETTINGS = threading.local()
SETTINGS.currency = "EUR"


@pytest.mark.foreign_thread
def test_currency():
    assert SETTINGS.currency == "EUR"
