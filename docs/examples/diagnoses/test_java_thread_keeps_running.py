import jpype
import pytest


@pytest.mark.foreign_thread(finalize=True, timeout=5)
def test_pool_is_not_shut_down():
    pool = jpype.JClass("java.util.concurrent.Executors").newFixedThreadPool(2)
    answer = jpype.JProxy("java.util.concurrent.Callable", dict={"call": lambda: "done"})
    assert pool.submit(answer).get() == "done"
