import pytest


@pytest.fixture
def ticker(jvm):
    from jnius import PythonJavaClass, java_method  # in the child: PyJNIus takes the JVM that runs there

    class Ticker(PythonJavaClass):
        __javainterfaces__ = ("java/util/function/Consumer",)

        def __init__(self):
            super().__init__()
            self.prices = []

        @java_method("(Ljava/lang/Object;)V")
        def accept(self, price):
            self.prices.append(price)

    return Ticker()


def test_java_calls_the_ticker(ticker):
    from jnius import autoclass

    publisher = autoclass("java.util.concurrent.SubmissionPublisher")()
    is_closed = publisher.consume(ticker)
    publisher.submit("12.50")
    publisher.submit("12.75")
    publisher.close()
    is_closed.get()  # PyJNIus releases the GIL while Java waits, so the calls can come
    assert ticker.prices == ["12.50", "12.75"]


@pytest.mark.foreign_thread(mode=["main", "new", "pool"])
def test_the_ticker_on_a_thread_of_each_kind(ticker):
    ticker.accept("12.50")
    assert ticker.prices == ["12.50"]
