import os

import pytest


@pytest.mark.foreign_thread
def test_python_leaves():
    os._exit(3)


@pytest.mark.foreign_thread
def test_java_leaves(jvm):
    jvm.JClass("java.lang.System").exit(3)


@pytest.mark.foreign_thread
def test_java_halts(jvm):
    jvm.JClass("java.lang.Runtime").getRuntime().halt(3)
