"""The last price of a share, in memory that C code reads. Java calls `on_price`."""

import ctypes


class Feed:
    def __init__(self):
        self._memory = ctypes.c_double()
        self._address = ctypes.addressof(self._memory)

    def on_price(self, price):
        ctypes.c_double.from_address(self._address).value = price

    def last(self):
        return ctypes.c_double.from_address(self._address).value

    def close(self):
        self._address = 0
