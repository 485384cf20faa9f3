import pytest


def allocate(jvm):
    return jvm.JArray(jvm.JByte)(64 * 1024 * 1024)


@pytest.mark.foreign_thread(jvm_args="-Xmx16m")
def test_exception(jvm):
    allocate(jvm)


@pytest.mark.foreign_thread(jvm_args="-Xmx16m -XX:+ExitOnOutOfMemoryError")
def test_exit(jvm):
    allocate(jvm)


@pytest.mark.foreign_thread(jvm_args="-Xmx16m -XX:+CrashOnOutOfMemoryError")
def test_crash(jvm):
    allocate(jvm)
