"""Whose an error is: this plugin's own, or that of a hook which it called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_foreignthread.model.blame import REPORT_IT, error_text, place_of_others


def raised(*files: str) -> BaseException:
    """Return an error raised through a frame of each file, the innermost one last."""
    call: Callable[[], Any] | None = None
    for number, file in enumerate(reversed(files)):
        body = "raise ValueError('odd')" if number == 0 else "call()"
        names: dict[str, Any] = {"call": call}
        exec(compile(f"def inner():\n    {body}", file, "exec"), names)
        call = names["inner"]
    assert call is not None
    with pytest.raises(ValueError, match="odd") as caught:
        call()
    own = caught.value.__traceback__
    return caught.value.with_traceback(own.tb_next if own else None)


def test_an_error_of_ours_says_so() -> None:
    import pytest_foreignthread

    ours = pytest_foreignthread.__file__.replace("__init__", "runner")
    text = error_text(raised("/project/conftest.py", ours), "the child")
    assert text.startswith("internal error of pytest-foreignthread in the child: ValueError: odd\nTraceback")
    assert text.endswith(REPORT_IT)


@pytest.mark.parametrize("error", [MemoryError(), RecursionError("maximum recursion depth exceeded")], ids=repr)
def test_a_limit_that_is_reached_is_nobodys_fault(error: BaseException) -> None:
    text = error_text(error, "the child")
    assert text.startswith(f"the child reached a limit that the test or its environment sets: {type(error).__name__}")
    assert REPORT_IT not in text


@pytest.mark.parametrize("inner", ["json/encoder.py", "pathlib.py"])
def test_what_the_standard_library_raises_for_us_is_ours(inner: str) -> None:
    import json
    import pathlib

    import pytest_foreignthread

    ours = pytest_foreignthread.__file__.replace("__init__", "runner")
    library = {"json/encoder.py": json.encoder.__file__, "pathlib.py": pathlib.__file__}[inner]
    assert place_of_others(raised(ours, library)) is None


@pytest.mark.parametrize("theirs", ["/project/conftest.py", "/lib/python3.11/site-packages/pytest_other/plugin.py"])
def test_a_hooks_error_is_the_hooks(theirs: str) -> None:
    import pytest_foreignthread

    ours = pytest_foreignthread.__file__.replace("__init__", "runner")
    through = "/lib/python3.11/site-packages/pluggy/_callers.py"
    error = raised(ours, through, theirs)
    assert place_of_others(error) == f"{theirs}:2"
    text = error_text(error, "the child")
    assert text.startswith(f"a hook raised ValueError: odd in the child ({theirs}:2)\nTraceback")
    assert REPORT_IT not in text


def test_an_error_that_cannot_be_shown() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    error = MuteError()
    assert "MuteError" in error_text(error, "the child")
