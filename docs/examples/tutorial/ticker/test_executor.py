import pytest
from ticker import Ticker


@pytest.fixture
def pool(jvm):
    pool = jvm.JClass("java.util.concurrent.Executors").newFixedThreadPool(4)
    yield pool
    pool.shutdown()
    pool.awaitTermination(10, jvm.JClass("java.util.concurrent.TimeUnit").SECONDS)


def test_prices_from_four_threads(jvm, pool):
    ticker = Ticker()
    callback = jvm.JProxy("java.util.concurrent.Callable", dict={"call": lambda: ticker.on_price(1)})
    for future in [pool.submit(callback) for _ in range(100)]:
        future.get()
    assert sum(ticker.prices()) == 100


@pytest.mark.foreign_thread(mode=["new", "pool", "virtual"])
def test_a_price_from_a_thread_of_each_kind():
    ticker = Ticker()
    ticker.on_price(12.5)
    assert ticker.prices() == [12.5]
