"""What one run of one test needs to know; where each value came from is settled before."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from .choices import MESSAGE_LIMIT
from .modes import OwnMode
from .outcomes import Outcome, Phase

VIRTUAL_SINCE: Final = 21
"""The first JDK that has virtual threads."""

# HotSpot owns SIGUSR2 and SIGQUIT, tests use SIGUSR1: a real-time signal is nobody's. macOS has none,
# and Windows, where nothing is forked, not that one either.
DUMP_SIGNAL: Final = int(signal.SIGRTMAX) - 5 if hasattr(signal, "SIGRTMAX") else int(getattr(signal, "SIGUSR1", 0))

CRASH_FIFO: Final = "crashed"
"""FIFO in the scratch directory where a dying child writes its pid, and then waits; absent where nobody reads it."""
HELD_SIGNALS: Final = tuple(
    int(getattr(signal, name)) for name in ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT") if hasattr(signal, name)
)
"""Those in whose handler a thread of a child without a JVM waits to be looked at."""
_NEVER_BLOCKED: Final = (9, 19, 32, 33)
"""SIGKILL and SIGSTOP, and the two that glibc keeps for itself."""
GO_ON_FIFO: Final = "go_on"
"""FIFO in the scratch directory whose next line lets the dying child end."""
DEBUGGER_FIFO: Final = "debugger"
"""FIFO in the scratch directory from which a child reads whether its debugger has the user's terminal."""
LENT: Final = b"y"
"""What stands there if it has."""

MESSAGE_LIMIT_OPTION: Final = "foreign_thread_message_limit"

# fork and JVM start are this plugin's work, not the test's: a test's short timeout must not end them.
START_LIMIT: Final = 60.0
"""Seconds that fork and JVM may take together with what they wait for."""


def held_mask() -> int:
    """Return the signals, as bits, that are blocked while a thread waits in its crash."""
    return sum(1 << (number - 1) for number in range(1, 65) if number not in (*HELD_SIGNALS, *_NEVER_BLOCKED))


@dataclass(frozen=True)
class Jvm:
    """A JVM found on this machine; `version` is None where its `release` file does not tell."""

    library: Path
    version: str | None
    source: str

    @property
    def release(self) -> int | None:
        """The feature release, such as 21; None where it is not known."""
        found = re.match(r"(?:1\.)?(\d+)", self.version or "")
        return int(found[1]) if found else None

    def __str__(self) -> str:
        return f"JVM {self.version or 'of unknown version'} from {self.source}: {self.library}"


@dataclass(frozen=True)
class Settings:
    """`mode` is where the body runs, `call_mode` where `foreign_thread.call` does when it is not told.

    `timeout` is in seconds and holds for each phase of the test.
    """

    mode: str
    call_mode: str
    timeout: float
    jvm: Jvm | None
    """None where the child of the test has none."""
    jvm_args: tuple[str, ...] = ()
    own_jvm_args: bool = False
    """Whether `jvm_args` or `classpath` are the marker's, this test's alone."""
    jvm_profile: str = "quick"
    """`quick` starts fast and is made for a short life, `server` leaves the JVM to its own defaults."""
    classpath: tuple[str, ...] = ()
    isolation: str = "test"
    """One of `choices.ISOLATIONS`."""
    stack: int | None = None
    """Bytes of the stack of a thread that a mode makes; None for the system's choice."""
    block_signals: bool = False
    """Whether a thread that a mode makes blocks all signals but those of a crash."""
    finalize: bool = False
    """Whether the child of a test that has passed ends by the finalization of its interpreter, in a phase of it."""
    jvm_cache: Path | None = None
    """A class archive (`.jsa`) or AOT cache (`.aot`) that the JVM may take its first classes from."""
    native: str = "auto"
    """Whether to take native stacks: `auto`, where pystack is installed, `off`, or `locals`, with Python's locals."""
    message_limit: int = MESSAGE_LIMIT
    """Bytes that what the child sends for the test may take in the pytest process's memory, about."""
    own_modes: Mapping[str, OwnMode] = field(default_factory=dict)
    """The project's own modes."""
    test: str = ""
    """The node id without the mode; empty where it holds none."""
    rerun_options: tuple[str, ...] = ()
    """Options without which pytest would not make this item, or would run it in its own process."""
    expect: Mapping[str, frozenset[Outcome]] = field(default_factory=dict)
    """What the marker says is known of the test: mode → outcomes."""
    known: Mapping[Outcome, str] = field(default_factory=dict)
    """Outcomes that do not fail this run of the test → why they are known."""
    body_timeout: float | None = None
    """That of the body, in seconds, where it is another."""

    def limit(self, phase: Phase) -> float:
        """Return the seconds that a phase may take."""
        if phase in (Phase.FORK, Phase.JVM):
            return START_LIMIT
        return self.timeout if phase is not Phase.CALL or self.body_timeout is None else self.body_timeout


def needs_newer_jdk(version: str) -> str:
    """Return the reason for which a test in the mode `virtual` is skipped."""
    return f"mode 'virtual' needs JDK {VIRTUAL_SINCE} or newer, this is {version}"
