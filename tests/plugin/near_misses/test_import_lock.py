"""A thread waits for an import which goes on, or needs no lock that the importing thread has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

SLEEPS = """
import threading, time

def callback():
    import sleeps_at_import

threading.Thread(target=callback, daemon=True).start()
time.sleep(100)
"""
WAITS = """
import jpype

def callback():
    import fractions

pool = jpype.JClass("java.util.concurrent.Executors").newSingleThreadExecutor()
pool.submit(jpype.JProxy("java.lang.Runnable", dict={"run": callback})).get()
pool.shutdown()
"""


def imported(name: str, source: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (folder / f"{name}.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    return __import__(name)


@pytest.mark.foreign_thread(timeout=2)
def test_the_importing_thread_sleeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported("sleeps_at_import", SLEEPS, tmp_path, monkeypatch)


@pytest.mark.foreign_thread
def test_the_callback_imports_another_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported("waits_at_import", WAITS, tmp_path, monkeypatch)
