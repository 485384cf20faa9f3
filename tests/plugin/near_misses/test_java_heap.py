"""Python's own memory, an array that no heap could hold, and the words in another exception."""

from __future__ import annotations

import os
from typing import Any

import pytest


@pytest.mark.foreign_thread
def test_memory_error() -> None:
    bytearray(1 << 62)


@pytest.mark.foreign_thread
def test_more_than_an_array_can_hold(jvm: Any) -> None:
    jvm.JArray(jvm.JByte)(2**31 - 1)


@pytest.mark.foreign_thread
def test_the_words_in_another_exception(jvm: Any) -> None:
    raise jvm.JClass("java.lang.IllegalStateException")("Java heap space")


@pytest.mark.foreign_thread
def test_the_status_of_an_exhausted_heap() -> None:
    os._exit(3)
