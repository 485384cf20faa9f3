"""An abort() without a word, and the words without an abort()."""

from __future__ import annotations

import os
import sys

import pytest


@pytest.mark.foreign_thread(mode="native")
def test_abort_without_a_word() -> None:
    os.abort()


@pytest.mark.foreign_thread(mode="native")
def test_words_of_a_process_that_exits() -> None:
    sys.stderr.write("terminate called without an active exception\n")
    sys.stderr.flush()
    os._exit(3)
