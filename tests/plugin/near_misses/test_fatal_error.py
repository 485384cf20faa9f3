"""Python aborts without a word, and the words without an abort."""

from __future__ import annotations

import os
import sys

import pytest


@pytest.mark.foreign_thread
def test_abort() -> None:
    os.abort()


@pytest.mark.foreign_thread
def test_words_alone() -> None:
    sys.stderr.write("Fatal Python error: the test's own words\n")
