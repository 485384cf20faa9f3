"""The error by which Python says that C code returned NULL without an exception, or a result with one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

# CPython's Objects/call.c, _Py_CheckFunctionResult. Older versions say "an error", newer versions "an exception".
_NULL_RESULT: Final = re.compile(
    r"returned NULL without setting an (error|exception)|returned a result with an (error|exception) set"
)


def is_null_result(kind: str, text: str) -> bool:
    return kind == "SystemError" and _NULL_RESULT.search(text) is not None


def raised_null_result(exceptions: Sequence[tuple[str, str]]) -> str | None:
    """Return the text of the first null result among (type name, text) pairs; None if there is none."""
    return next((text for kind, text in exceptions if is_null_result(kind, text)), None)
