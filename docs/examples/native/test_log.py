import threading

import pytest

NAMES = []


@pytest.mark.foreign_thread(mode=["glib", "native", "native-pool"])
def test_log():
    NAMES.append(threading.current_thread().name)
    assert NAMES[0].startswith("Dummy-")
