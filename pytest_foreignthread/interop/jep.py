"""jep runs Python inside a Java program's process; there pytest runs on a Java thread."""

from __future__ import annotations

import sys
from typing import Final

_EXTENSION: Final = "_jep"
"""jep's C extension. Only Java can load it; in another process `import jep` raises ImportError."""


def is_inside_jep() -> bool:
    """Return whether jep has started this Python from Java."""
    return _EXTENSION in sys.modules
