from decimal import Decimal

import pytest
from quotefeed import Book


def test_java_delivers_each_quote(exchange):
    book = Book()
    book.listen_to(exchange)
    for quote in (exchange.publish("ACME", "12.50"), exchange.publish("INIT", "3.25")):
        quote.get()  # raises what a listener raised
    assert (book.last("ACME"), book.last("INIT")) == (Decimal("12.50"), Decimal("3.25"))


@pytest.mark.foreign_thread(mode=["main", "new", "pool"])
def test_a_quote():
    book = Book()
    book.on_quote("ACME", "12.50")
    assert book.last("ACME") == Decimal("12.50")


@pytest.mark.foreign_thread(mode=["main", "new"])
def test_a_share_that_was_not_traded():
    book = Book()
    book.on_quote("ACME", "n/a")
    assert book.last("ACME").is_nan()
