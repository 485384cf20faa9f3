import threading

import jpype
import pytest


def in_both(first, second, meeting):
    with jpype.synchronized(first):
        meeting.wait()
        with jpype.synchronized(second):
            pass


@pytest.mark.foreign_thread(timeout=5)
def test_two_monitors(foreign_thread):
    left, right = jpype.JClass("java.util.Vector")(), jpype.JClass("java.util.Hashtable")()
    meeting = threading.Barrier(2)
    foreign_thread.submit(in_both, right, left, meeting)
    in_both(left, right, meeting)


def lock_both(first, second, meeting):
    first.lock()
    meeting.wait()
    second.lock()


@pytest.mark.foreign_thread(timeout=5)
def test_two_locks(foreign_thread):
    lock = jpype.JClass("java.util.concurrent.locks.ReentrantLock")
    left, right = lock(), lock()
    meeting = threading.Barrier(2)
    foreign_thread.submit(lock_both, right, left, meeting)
    lock_both(left, right, meeting)
