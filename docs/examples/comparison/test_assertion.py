def test_assertion(on_java_thread):
    def callback():
        assert sum([1, 2]) == 4

    on_java_thread(callback)


def test_after_it():
    pass
