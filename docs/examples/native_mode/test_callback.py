import threading

import pytest


@pytest.mark.foreign_thread(mode=["main", "glib"])
def test_callback():
    assert threading.current_thread() is threading.main_thread()
