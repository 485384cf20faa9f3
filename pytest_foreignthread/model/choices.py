"""What a user may choose from by name, and the marker."""

from __future__ import annotations

from typing import Final

from .modes import TABLE

MODES: Final = tuple(mode.name for mode in TABLE)
MATRIX_MODES: Final = ("main", "same", "new", "pool")
"""Those of `--foreign-thread-matrix` where no others are chosen, the control first."""

NATIVE_CHOICES: Final = ("auto", "off", "locals")

ISOLATIONS: Final = ("test", "module", "session", "auto")
"""What a child and its JVM are for: one test, those of a module, all, or all until one of them leaves something."""

STARTS: Final = ("fork", "spawn")
"""How a child comes to be: a fork of the pytest process, or a fresh interpreter that imports the tests anew."""

LIVE_CHOICES: Final = ("auto", "off")

FAULTHANDLER_CHOICES: Final = ("apart", "pytest")
"""Who sets faulthandler's part where the pytest process starts a JVM: this plugin, apart from HotSpot, or pytest."""

JVM_PROFILES: Final = ("quick", "server")

MESSAGE_LIMIT: Final = 64 * 1024 * 1024
"""Bytes that what a child sends for one test may take, where nothing else is chosen."""

MARKER: Final = "foreign_thread"
MARKER_HELP: Final = (
    f"{MARKER}(mode='new', timeout=SECONDS, jvm_args=[...], classpath=[...], isolation=SCOPE, stack=SIZE, "
    "block_signals=BOOL, skip=REASON, expect={...}): run the body of the test as a callback on a foreign thread, in a "
    f"forked child; mode is one of {', '.join(MODES)}, one of the project's own, or a list of them; skip leaves the "
    "test to pytest; expect has outcomes that are known, such as {'new': 'segfault'}."
)
