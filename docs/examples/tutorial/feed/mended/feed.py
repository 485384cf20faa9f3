"""The last price of a share, in memory that C code reads. Java calls `on_price`."""

import ctypes
import threading


class Feed:
    def __init__(self):
        self._memory = ctypes.c_double()
        self._address = ctypes.addressof(self._memory)
        self._lock = threading.Lock()

    def on_price(self, price):
        with self._lock:
            if self._address:
                ctypes.c_double.from_address(self._address).value = price

    def last(self):
        return ctypes.c_double.from_address(self._address).value

    def close(self):
        with self._lock:
            self._address = 0
