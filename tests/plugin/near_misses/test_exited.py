"""Exits that are exceptions, or another process's."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.foreign_thread
def test_system_exit() -> None:
    sys.exit(3)


@pytest.mark.foreign_thread
def test_another_process_exits() -> None:
    assert subprocess.run([sys.executable, "-c", "import os; os._exit(3)"], check=False).returncode == 3
