import sqlite3
import threading

import pytest


@pytest.fixture
def request_of_ada():
    local = threading.local()
    local.user = "Ada"
    return local


@pytest.fixture
def database():
    connection = sqlite3.connect(":memory:")
    yield connection
    connection.close()


@pytest.mark.foreign_thread
def test_local(request_of_ada):
    assert request_of_ada.user == "Ada"


@pytest.mark.foreign_thread
def test_connection(database):
    assert database.execute("SELECT 1").fetchone() == (1,)
