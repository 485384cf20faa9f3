"""The settings of one run of one test, in which options, ini keys and markers are resolved."""

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
from .stress_choice import Amount, Seed

VIRTUAL_SINCE: Final = 21
"""The first JDK that has virtual threads."""

# The signal that asks for a dump of Python's stacks. HotSpot owns SIGUSR2 and SIGQUIT, and tests use SIGUSR1; nobody
# uses a real-time signal. macOS has no real-time signals, and Windows, where nothing is forked, has no SIGUSR1 either.
DUMP_SIGNAL: Final = int(signal.SIGRTMAX) - 5 if hasattr(signal, "SIGRTMAX") else int(getattr(signal, "SIGUSR1", 0))

CRASH_FIFO: Final = "crashed"
"""The FIFO in the scratch directory to which a dying child writes its pid before it waits; absent without a reader."""
HELD_SIGNALS: Final = tuple(
    int(getattr(signal, name)) for name in ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT") if hasattr(signal, name)
)
"""The signals in whose handler a thread of a child without a JVM waits until it was looked at."""
# By number: Python has no names for those of glibc, and the mask is that of Linux.
_NEVER_BLOCKED: Final = (9, 19, 32, 33)
"""SIGKILL and SIGSTOP, and the two signals that glibc reserves for itself."""
GO_ON_FIFO: Final = "go_on"
"""The FIFO in the scratch directory from which the dying child reads a line before it ends."""
DEBUGGER_FIFO: Final = "debugger"
"""The FIFO in the scratch directory from which a child reads whether its debugger has the user's terminal."""
LENT: Final = b"y"
"""The byte in `DEBUGGER_FIFO` that says yes."""

MESSAGE_LIMIT_OPTION: Final = "foreign_thread_message_limit"

# Fork and JVM start are this plugin's work, not the test's: the short timeout of a test must not end them.
START_LIMIT: Final = 60.0
"""Seconds for each of the phases fork and jvm."""


NO_SEED: Final = Seed(0)


def held_mask() -> int:
    """Return the signals, as bits, that are blocked while a thread waits in its crash.

    A handler of any other signal would wake the thread from `pause`. The supervisor knows the thread by this mask.
    """
    return sum(1 << (number - 1) for number in range(1, 65) if number not in (*HELD_SIGNALS, *_NEVER_BLOCKED))


@dataclass(frozen=True)
class Jvm:
    """A JVM on this machine; `version` is None if its `release` file has none, `source` says how the JVM was found."""

    library: Path
    version: str | None
    source: str

    @property
    def release(self) -> int | None:
        """The feature release, such as 21; None if it is unknown."""
        found = re.match(r"(?:1\.)?(\d+)", self.version or "")
        return int(found[1]) if found else None

    def __str__(self) -> str:
        return f"JVM {self.version or 'of unknown version'} from {self.source}: {self.library}"


@dataclass(frozen=True)
class Settings:
    """The settings of a test.

    `mode` is the mode of the body, `call_mode` the mode of a `foreign_thread.call` that names none. `timeout` is the
    limit in seconds of each phase of the test.
    """

    mode: str
    call_mode: str
    timeout: float
    jvm: Jvm | None
    """None if the test's child has no JVM."""
    jvm_args: tuple[str, ...] = ()
    own_jvm_args: bool = False
    """Whether the test's marker has `jvm_args` or a `classpath`: then the test's JVM differs from that of others."""
    jvm_profile: str = "quick"
    """`quick` makes the JVM start fast, for a short life; `server` leaves the JVM's own defaults."""
    classpath: tuple[str, ...] = ()
    isolation: str = "test"
    """One of `choices.ISOLATIONS`."""
    stack: int | None = None
    """The stack size, in bytes, of a thread that a mode makes; None for the system's default."""
    block_signals: bool = False
    """Whether a thread that a mode makes blocks all signals except those of a crash."""
    finalize: bool = False
    """Whether the child of a test that has passed ends by the finalization of its interpreter, in the phase EXIT."""
    checks: tuple[str, ...] = ()
    """Some of `checkers.CHECKS`."""
    jvm_cache: Path | None = None
    """A class archive (`.jsa`) or AOT cache (`.aot`) from which the JVM loads its first classes; None without one."""
    native: str = "auto"
    """Which native stacks are taken: `off`, `auto` (if pystack is installed), or `locals`, with Python's locals."""
    message_limit: int = MESSAGE_LIMIT
    """The bytes that the child's messages for the test may take in the memory of the pytest process, about."""
    own_modes: Mapping[str, OwnMode] = field(default_factory=dict)
    """The project's own modes."""
    test: str = ""
    """The node id without the mode; empty if the node id has no mode."""
    rerun_options: tuple[str, ...] = ()
    """The options without which pytest would not make this item, would run it in the pytest process, or unchecked."""
    expect: Mapping[str, frozenset[Outcome]] = field(default_factory=dict)
    """Mode → the outcomes that the test's marker expects in that mode."""
    known: Mapping[Outcome, str] = field(default_factory=dict)
    """The outcomes that do not fail this run of the test → the reason."""
    body_timeout: float | None = None
    """The limit of the body in seconds, if it differs from `timeout`."""
    stress: Amount | None = None
    """How often the test runs; None for a test that runs once."""
    stress_seed: Seed = NO_SEED
    """The seed of the run; without effect on a test that is not stressed."""
    stress_threads: int = 1
    """The threads that call the test function at once in a round; 1 for a test or a mode that cannot have more."""
    stress_shrink: float = 0.0
    """The seconds of the search for the smallest schedule at which a stressed test still fails; 0 for no search."""
    stress_stop: bool = False
    """Whether the rounds of a stressed test end as soon as a difference is certain."""
    pool: int = 4
    """The threads of a pool at most."""

    def limit(self, phase: Phase) -> float:
        """Return the limit of a phase in seconds."""
        if phase in (Phase.FORK, Phase.JVM):
            return START_LIMIT
        return self.timeout if phase is not Phase.CALL or self.body_timeout is None else self.body_timeout


def needs_newer_jdk(version: str) -> str:
    """Return the reason with which a test in the mode `virtual` is skipped on this JDK."""
    return f"mode 'virtual' needs JDK {VIRTUAL_SINCE} or newer, this is {version}"
