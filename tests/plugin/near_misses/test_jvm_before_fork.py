"""An ordinary test that imports JPype and starts no JVM."""

from __future__ import annotations

import jpype
import pytest


def test_ordinary() -> None:
    assert not jpype.isJVMStarted()


@pytest.mark.foreign_thread
def test_foreign() -> None:
    assert jpype.isJVMStarted()
