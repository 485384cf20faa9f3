"""The values of options that are names, and the marker."""

from __future__ import annotations

from typing import Final

from .modes import TABLE

MODES: Final = tuple(mode.name for mode in TABLE)
MATRIX_MODES: Final = ("main", "same", "new", "pool")
"""The modes of `--foreign-thread-matrix` if the user chooses none; the control comes first."""

NATIVE_CHOICES: Final = ("auto", "off", "locals")

ISOLATIONS: Final = ("test", "module", "session", "auto")
"""The tests that share a child and its JVM: none, those of a module, all, or all until one of them leaves something."""

STARTS: Final = ("fork", "spawn")
"""How a child is started: as a fork of the pytest process, or as a fresh interpreter that imports the tests anew."""

LIVE_CHOICES: Final = ("auto", "off")

FAULTHANDLER_CHOICES: Final = ("apart", "pytest")
"""Who configures faulthandler if the pytest process starts a JVM: this plugin, out of HotSpot's way, or pytest."""

JVM_PROFILES: Final = ("quick", "server")

MESSAGE_LIMIT: Final = 64 * 1024 * 1024
"""The bytes that a child's messages for one test may take if the user chooses no other limit."""

MARKER: Final = "foreign_thread"
MARKER_HELP: Final = (
    f"{MARKER}(mode='new', timeout=SECONDS, jvm_args=[...], classpath=[...], isolation=SCOPE, stack=SIZE, "
    "block_signals=BOOL, finalize=BOOL, check=NAMES, stress=AMOUNT, stress_threads=N, skip=REASON, expect={...}): "
    "run the body of the test as a callback on a foreign thread, in a forked child; mode is one of "
    f"{', '.join(MODES)}, one of the project's own, or a list of them; skip leaves the test to pytest; "
    "expect has outcomes that are known, such as {'new': 'segfault'}."
)
