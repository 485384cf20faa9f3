import ctypes


def test_segfault(on_java_thread):
    on_java_thread(lambda: ctypes.string_at(0))


def test_after_it():
    pass
