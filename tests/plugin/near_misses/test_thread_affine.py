"""The same errors, where no thread ever had the value."""

from __future__ import annotations

import sqlite3
import threading

import pytest


@pytest.mark.foreign_thread
def test_local_that_no_thread_set() -> None:
    assert threading.local().user == "Ada"


@pytest.mark.foreign_thread
def test_closed_connection() -> None:
    connection = sqlite3.connect(":memory:")
    connection.close()
    connection.execute("SELECT 1")


@pytest.mark.foreign_thread
def test_connection_made_where_it_is_used() -> None:
    assert sqlite3.connect(":memory:").execute("SELECT 1").fetchone() == (1,)
