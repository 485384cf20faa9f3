"""Eight threads at once: what they share, and what each has for itself."""

import pytest


@pytest.fixture
def cache():
    return {}


@pytest.mark.foreign_thread(mode=["native", "native-pool"], stress=20, stress_threads=8)
def test_each_thread_has_its_key(foreign_thread, cache, tmp_path):
    mine = tmp_path / str(foreign_thread.index)
    mine.mkdir()
    assert cache.setdefault(foreign_thread.index, mine) is mine
    assert len(cache) <= foreign_thread.threads


@pytest.mark.foreign_thread(mode="native", stress=20, stress_threads=1)
def test_one_thread_only(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
