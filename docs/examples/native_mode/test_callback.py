import threading

import pytest


@pytest.mark.foreign_thread
def test_callback():
    assert threading.current_thread() is threading.main_thread()
