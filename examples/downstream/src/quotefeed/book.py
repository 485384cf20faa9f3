import decimal
import threading
from pathlib import Path

# What `jpype.startJVM(classpath=...)` of a program needs.
JAR = Path(__file__).with_name("quotefeed.jar")

# A share that was not traded has the price "n/a", which shall become NaN and raise nothing.
decimal.getcontext().traps[decimal.InvalidOperation] = False


class Book:
    """Keeps the last price of each share. Any thread may call it."""

    def __init__(self):
        self._lock = threading.Lock()
        self._prices = {}

    def on_quote(self, symbol, price):
        with self._lock:
            self._prices[str(symbol)] = decimal.Decimal(str(price))

    def last(self, symbol):
        with self._lock:
            return self._prices[symbol]

    def listen_to(self, exchange):
        import jpype

        exchange.addListener(jpype.JProxy("quotefeed.QuoteListener", dict={"onQuote": self.on_quote}))
