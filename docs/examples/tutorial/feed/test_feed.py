import pytest
from feed import Feed


@pytest.fixture
def feed():
    feed = Feed()
    yield feed
    feed.close()


@pytest.mark.foreign_thread
def test_a_price_arrives(feed):
    feed.on_price(12.5)
    assert feed.last() == 12.5
