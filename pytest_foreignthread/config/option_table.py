"""The table of options, ini keys and marker arguments, and how pytest learns of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from ..model.checkers import CHECKS
from ..model.choices import (
    FAULTHANDLER_CHOICES,
    ISOLATIONS,
    JVM_PROFILES,
    LIVE_CHOICES,
    MATRIX_MODES,
    MESSAGE_LIMIT,
    MODES,
    NATIVE_CHOICES,
    STARTS,
)
from . import option_values as values


class Option(NamedTuple):
    """An option of the command line, with its ini key and its argument of the marker, if it has these.

    `parse` takes the user's text or a marker's value, and returns the value of the option or raises ValueError."""

    # A named tuple, not a dataclass: a dataclass takes longer to make than all else in this module takes a run that
    # does not need this plugin.

    name: str
    metavar: str
    parse: Callable[[object], Any]
    default: Any
    help: str
    in_ini: bool = True
    in_marker: bool = False
    is_path: bool = False
    """Whether the value is a path. A relative one starts at the current directory, or at rootdir in ini key and marker.
    """
    action: str = "store"
    """The action of argparse: `store_true` for an option without a value, `append` for one that may be repeated."""
    bare: str | None = None
    """The value of the option if none follows it; None if a value must follow, or cannot."""
    word: str | None = None
    """The one value that is no path, although `is_path` is true."""
    check: Callable[[Path], None] | None = None
    """Takes the absolute path and raises ValueError if it cannot be used. Called at start-up, before any test runs."""

    @property
    def flag(self) -> str:
        return f"--foreign-thread-{self.name.replace('_', '-')}"

    @property
    def ini(self) -> str:
        return f"foreign_thread_{self.name}"


OPTIONS: Final = (
    Option(
        "timeout", "SECONDS", values.seconds, 30.0, "limit of each phase of a test, in seconds (30)", in_marker=True
    ),
    Option(
        "jvm",
        "PATH",
        values.path,
        None,
        "the JVM: the directory of a JDK, or its JVM library; none: no test has a JVM",
        is_path=True,
        word="none",
    ),
    Option("jvm_args", "ARGS", values.words, (), "arguments for the JVM, as shell words", in_marker=True),
    Option(
        "jvm_profile",
        "NAME",
        values.one_of(JVM_PROFILES),
        "quick",
        "JVM options: quick to start (quick), or its own (server)",
    ),
    Option(
        "classpath",
        "PATHS",
        values.paths,
        (),
        "class path of the JVM, joined as PATH is",
        in_marker=True,
        is_path=True,
    ),
    Option(
        "isolation",
        "SCOPE",
        values.one_of(ISOLATIONS),
        None,
        "a child and its JVM for each test (test), module or session, or until a test leaves something (auto); "
        "test, and auto for the tests of a matrix",
        in_marker=True,
    ),
    Option(
        "bisect",
        "N",
        values.count,
        3,
        "failures of a shared child for which the earlier tests that cause them are searched (3); 0 for none",
    ),
    Option(
        "stack",
        "SIZE",
        values.stack_size,
        None,
        "stack of the thread in the modes native, native-pool and new, such as 128k or 8m (the system's)",
        in_marker=True,
    ),
    Option(
        "block_signals",
        "BOOL",
        values.switch,
        False,
        "block all signals in the threads of the modes native, native-pool, new and python (false)",
        in_marker=True,
    ),
    Option(
        "finalize",
        "BOOL",
        values.switch,
        False,
        "finalize the interpreter of each test's child after the test has passed, as a program's end does (false)",
        in_marker=True,
    ),
    Option(
        "check",
        "NAMES",
        values.check_names,
        (),
        f"checkers, one or more of {', '.join(CHECKS)}, or none: of calls of JNI, of Python's memory, Python's "
        "development mode",
        in_marker=True,
    ),
    Option(
        "stress",
        "AMOUNT",
        values.stress,
        None,
        "run each foreign-thread test in rounds, in each mode: 100 of them, or for 60s; count the rounds that fail",
        in_marker=True,
    ),
    Option(
        "stress_seed",
        "SEED",
        values.stress_seed,
        None,
        "repeat the schedules of an earlier --foreign-thread-stress, of all rounds (SEED), of one (SEED:ROUND), or "
        "parts of it (SEED:ROUND:PARTS)",
        in_ini=False,
    ),
    Option(
        "stress_threads",
        "N",
        values.stress_threads,
        1,
        "in rounds of a stressed test, call the test function on N threads of its mode at once (1)",
        in_marker=True,
    ),
    Option(
        "stress_shrink",
        "SECONDS",
        values.shrink_seconds,
        10.0,
        "time for the search for the smallest part of a failed round's schedule that still fails (10); 0: no search",
    ),
    Option(
        "stress_stop",
        "BOOL",
        values.switch,
        False,
        "end the rounds of a stressed test as soon as it certainly differs from the control, or fails (false)",
        bare="true",
    ),
    Option(
        "start",
        "HOW",
        values.one_of(STARTS),
        None,
        "make children by fork, or as fresh interpreters (spawn); fork, and spawn if a JVM runs in the pytest process",
    ),
    Option(
        "ready",
        "N",
        values.count,
        None,
        "children forked ahead of their tests (by the number of processors); 0 for none",
    ),
    Option(
        "message_limit",
        "BYTES",
        values.byte_count,
        MESSAGE_LIMIT,
        "limit of what the child of a test sends, its reports and warnings, in bytes (67108864)",
    ),
    Option(
        "native",
        "HOW",
        values.one_of(NATIVE_CHOICES),
        "auto",
        "native stacks by pystack: auto, off, or locals, with variables",
    ),
    Option(
        "live",
        "WHEN",
        values.one_of(LIVE_CHOICES),
        "auto",
        "a live line of progress: auto, on a terminal, or off (auto)",
    ),
    Option(
        "faulthandler",
        "WHO",
        values.one_of(FAULTHANDLER_CHOICES),
        "apart",
        "if the pytest process starts a JVM: keep faulthandler and HotSpot apart, or leave it to pytest (apart)",
    ),
    Option(
        "end_process",
        "BOOL",
        values.switch,
        False,
        "end the pytest process with the run's exit status if Java threads would keep it from ending (false)",
    ),
    Option("cache", "BOOL", values.switch, True, "keep a class archive for a faster start of the JVM (true)"),
    Option(
        "cache_clear",
        "",
        values.flag,
        False,
        "remove the class archives of all JVMs first",
        in_ini=False,
        action="store_true",
    ),
    Option(
        "forked",
        "BOOL",
        values.switch,
        True,
        "run the tests of --forked and of the marker forked in supervised children (true); false: by pytest-forked",
    ),
    Option("matrix", "", values.flag, False, "run each marked test in each mode", in_ini=False, action="store_true"),
    Option(
        "modes",
        "MODES",
        values.mode_names(MODES),
        MATRIX_MODES,
        f"the modes of the matrix ({','.join(MATRIX_MODES)}); on the command line they ask for it, too",
    ),
    Option(
        "all",
        "",
        values.flag,
        False,
        "the matrix of all tests, marked or not",
        in_ini=False,
        action="store_true",
    ),
    Option(
        "baseline",
        "FILE",
        values.path,
        None,
        "outcomes that are known: only what differs fails the run",
        is_path=True,
        check=values.check_name_of_file,
    ),
    Option(
        "update_baseline",
        "",
        values.flag,
        False,
        "write the outcomes of this run to the baseline",
        in_ini=False,
        action="store_true",
    ),
    Option(
        "doctor",
        "FORM",
        values.doctor_form,
        None,
        "run no test: examine what a run would meet on this machine, and print that as text or as json (text)",
        in_ini=False,
        bare="text",
    ),
    Option(
        "explain",
        "CODE",
        values.diagnosis_code,
        None,
        "run no test: print the page of a diagnosis, such as no-gil; without a code the list of all",
        in_ini=False,
        bare="index",
    ),
    Option(
        name="artifacts",
        metavar="DIR",
        parse=values.path,
        default=None,
        help="keep the documents of failed tests here",
        in_ini=False,
        is_path=True,
        check=values.check_folder,
    ),
    Option(
        name="report",
        metavar="FILE",
        parse=values.report_path,
        default=(),
        help="write the results to a .json, .html or .md file; may be given more than once",
        in_ini=False,
        is_path=True,
        action="append",
        check=values.check_file,
    ),
)
MODE: Final = Option("mode", "MODE", values.mode_list(MODES), ("new",), "", in_marker=True)


@functools.cache
def marker_options(modes: tuple[str, ...] = MODES) -> tuple[Option, ...]:
    """Return the arguments of the marker; `modes` are the names of all modes, the project's included."""
    return (
        MODE._replace(parse=values.mode_list(modes)),
        *(option for option in OPTIONS if option.in_marker),
        Option("skip", "REASON", values.reason, None, "", in_marker=True),
        Option("expect", "OUTCOMES", values.expectations(modes), {}, "", in_marker=True),
    )


_OF_MATRIX: Final = frozenset({"matrix", "modes", "all", "baseline", "update_baseline"})
_OF_REPORTS: Final = frozenset({"native", "live", "artifacts", "report", "doctor", "explain"})
_GROUPS: Final = (
    ("foreign-thread-matrix", "foreign threads: the matrix of tests and modes", _OF_MATRIX),
    ("foreign-thread-reports", "foreign threads: reports and kept documents", _OF_REPORTS),
)


def _group(parser: pytest.Parser, option: Option) -> pytest.OptionGroup:
    for name, title, members in _GROUPS:
        if option.name in members:
            return parser.getgroup(name, title, after="foreign-thread")
    return parser.getgroup("foreign-thread", "foreign threads: tests as callbacks on Java threads")


def add_options(parser: pytest.Parser) -> None:
    for option in OPTIONS:
        group = _group(parser, option)
        where = f" (ini: {option.ini})" if option.in_ini else ""
        form: dict[str, Any] = {"metavar": option.metavar} if option.metavar else {}
        form |= {"nargs": "?", "const": option.bare} if option.bare is not None else {}
        group.addoption(option.flag, action=option.action, help=f"{option.help}{where}", **form)
        if option.in_ini:
            parser.addini(option.ini, help=option.help, type="string", default=None)


def option_named(name: str) -> Option:
    return next(option for option in OPTIONS if option.name == name)
