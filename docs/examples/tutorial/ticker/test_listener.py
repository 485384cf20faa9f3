import pytest
from ticker import Ticker


@pytest.fixture
def publisher(jvm):
    publisher = jvm.JClass("java.util.concurrent.SubmissionPublisher")()
    yield publisher
    publisher.close()


def test_the_listener_hears_each_price(publisher):
    ticker = Ticker()
    closed = ticker.listen_to(publisher)
    for price in (12.5, 12.75):
        publisher.submit(price)
    publisher.close()
    closed.get()  # JPype lets go of the GIL while Java waits, so the callbacks can come
    assert ticker.prices() == [12.5, 12.75]
