import ctypes

import pytest


@pytest.mark.foreign_thread
def test_extension_gives_up():
    ctypes.pythonapi.Py_FatalError(b"the bridge lost its interpreter")
