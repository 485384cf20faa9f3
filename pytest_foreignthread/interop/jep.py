"""jep, by which a Java program runs Python in its own process: there pytest runs on a thread of Java's."""

from __future__ import annotations

import sys
from typing import Final

_EXTENSION: Final = "_jep"
"""jep's part in C, which only Java can put there: elsewhere `import jep` raises ImportError."""


def is_inside_jep() -> bool:
    """Return whether Java has started this Python, by jep."""
    return _EXTENSION in sys.modules
