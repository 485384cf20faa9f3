"""The code under test: it keeps the session of each thread, as many libraries do."""

import threading

_OF_THREAD = threading.local()


def log_in(name):
    _OF_THREAD.user = name


def user():
    return _OF_THREAD.user
