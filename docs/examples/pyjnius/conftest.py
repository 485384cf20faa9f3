import pytest


@pytest.fixture
def foreign_thread_bridge(foreign_thread_pyjnius_bridge):
    return foreign_thread_pyjnius_bridge
