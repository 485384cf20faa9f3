import threading

import pytest

connections = threading.local()


def connect():
    connections.current = "connection to the database"


def query():
    return connections.current


@pytest.fixture
def connected(foreign_thread):
    foreign_thread.call(connect)  # a callback by itself: its thread state ends with it


@pytest.mark.foreign_thread(mode="native-pool")
def test_connection_of_the_callback_before(connected):
    query()


@pytest.mark.foreign_thread(mode="main")
def test_two_tasks_of_a_java_pool(foreign_thread, jvm):
    pool = jvm.JClass("java.util.concurrent.Executors").newSingleThreadExecutor()

    def run_in_pool(function):
        futures = []
        # The mode `same` calls the function on the thread that is there.
        run = {"run": lambda: futures.append(foreign_thread.submit(function, mode="same"))}
        pool.submit(jvm.JProxy("java.lang.Runnable", dict=run)).get()
        return futures[0].result()

    run_in_pool(connect)
    run_in_pool(query)
