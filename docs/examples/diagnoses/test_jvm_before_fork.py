import jpype
import pytest


def test_ordinary():
    jpype.startJVM()  # in the pytest process, for good
    assert jpype.JClass("java.lang.String")("abc").length() == 3


@pytest.mark.foreign_thread
def test_foreign():
    pass
