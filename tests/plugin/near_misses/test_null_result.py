"""Errors that only look like it."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.foreign_thread
def test_plain_system_error() -> None:
    raise SystemError("the bridge is closed")


@pytest.mark.foreign_thread
def test_the_words_in_another_error() -> None:
    raise RuntimeError("<built-in function f> returned NULL without setting an exception")


@pytest.mark.foreign_thread
def test_java_exception_that_arrives(jvm: Any) -> None:
    jvm.JClass("java.lang.Integer").parseInt("four")
