import threading
from decimal import Decimal

import pytest
from quotefeed import Book


@pytest.mark.foreign_thread(mode="main")  # a fault in the C code ends a child, and not the run
def test_each_quote_is_replayed(replay):
    book = Book()
    replay.join(replay.start(book.on_quote, (("ACME", "12.50"), ("ACME", "12.75"))))
    assert book.last("ACME") == Decimal("12.75")


@pytest.mark.foreign_thread(mode=["main", "replay"])
def test_a_quote():
    book = Book()
    book.on_quote("ACME", "12.50")
    assert book.last("ACME") == Decimal("12.50")


@pytest.mark.foreign_thread(mode="replay")
def test_the_replay_has_a_thread_of_its_own():
    assert threading.current_thread() is not threading.main_thread()
