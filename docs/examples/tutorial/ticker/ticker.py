"""Keeps the prices that Java publishes, from whatever thread they come."""

import threading

import jpype


class Ticker:
    def __init__(self):
        self._lock = threading.Lock()
        self._prices = []

    def on_price(self, price):
        with self._lock:
            self._prices.append(float(price))

    def prices(self):
        with self._lock:
            return list(self._prices)

    def listen_to(self, publisher):
        """Return a Java future that is done once the publisher has closed."""
        return publisher.consume(jpype.JProxy("java.util.function.Consumer", dict={"accept": self.on_price}))
