"""The table of options, ini keys and marker arguments, and the way from their values to `Settings`.

A marker's argument overrides the command line, the command line overrides the ini file, and that overrides the default.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from ..model.checkers import CHECKS, with_jni_check
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

if TYPE_CHECKING:
    from ..model.settings import Jvm, Settings
    from .chosen_options import Options


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
        f"checkers, one or more of {', '.join(CHECKS)}: of calls of JNI, of Python's memory, Python's development mode",
        in_marker=True,
    ),
    Option(
        "stress",
        "AMOUNT",
        values.stress,
        None,
        "run each foreign-thread test so often in each mode, 100 times or for 60s, and count the rounds that fail",
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
        "in rounds of a stressed test, call the test function on so many threads of its mode at once (1)",
        in_marker=True,
    ),
    Option(
        "stress_shrink",
        "SECONDS",
        values.shrink_seconds,
        10.0,
        "search this long for the smallest part of a failed round's schedule that still fails (10); 0 for no search",
    ),
    Option(
        "start",
        "HOW",
        values.one_of(STARTS),
        None,
        "children are forks (fork), or fresh interpreters (spawn; by itself where a JVM runs in the pytest process)",
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
        "where the pytest process starts a JVM: keep faulthandler and HotSpot apart, or leave it to pytest (apart)",
    ),
    Option(
        "end_process",
        "BOOL",
        values.switch,
        False,
        "end the pytest process with the run's status where Java threads would keep it (false)",
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
        "run no test: examine what a run would meet here, and tell as text, or as json",
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


def _option(name: str) -> Option:
    return next(option for option in OPTIONS if option.name == name)


def faulthandler_choice(early: pytest.Config, early_option: Callable[[pytest.Config, str], object]) -> object:
    """Return the unchecked value of the option `faulthandler`, before the first conftest is imported.

    `early_option` returns the value of an option on the command line at that time. A later step checks the value.
    """
    option = _option("faulthandler")
    return early_option(early, option.flag) or _ini_value(early, option) or option.default


def are_given(config: pytest.Config) -> bool:
    """Return whether any option is on the command line or in the ini file, also with a value that is wrong."""
    try:
        return any(
            config.getoption(option.flag) not in (None, False) or _ini_value(config, option) for option in OPTIONS
        )
    except ValueError:
        # Wrong, and so given: `configured` then reports it as an error.
        return True


def configured(config: pytest.Config, modes: Sequence[str] = MODES) -> Options:
    """Return the value of each option; raise UsageError for a value that is wrong."""
    # Imported here: most runs of pytest do not need it.
    from .chosen_options import Options

    table = (one._replace(parse=values.mode_names(modes)) if one.name == "modes" else one for one in OPTIONS)
    return Options(**{option.name: _configured(config, option) for option in table})


def is_given(config: pytest.Config, name: str) -> bool:
    """Return whether the option of that name is on the command line or in the ini file."""
    option = _option(name)
    return config.getoption(option.flag) is not None or bool(_ini_value(config, option))


def _configured(config: pytest.Config, option: Option) -> Any:
    given = config.getoption(option.flag)
    try:
        if option.action == "append":
            return tuple(_of_command(config, option, one) for one in given or ())
        if given is not None:
            return _of_command(config, option, given)
        # A missing key has the value "" in some releases of pytest, and None in others.
        if written := _ini_value(config, option):
            return parsed_value(option, written, f"ini key {option.ini}", config.rootpath)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    return option.default


def _of_command(config: pytest.Config, option: Option, given: object) -> Any:
    return parsed_value(option, given, option.flag, config.invocation_params.dir)


def _ini_value(config: pytest.Config, option: Option) -> object:
    try:
        return config.getini(option.ini) if option.in_ini else None
    except TypeError as error:
        # A TOML file may have a number for a key that must be text. Some releases of pytest raise no UsageError then.
        raise ValueError(f"ini key {option.ini}: {error}") from None


def parsed_value(option: Option, value: object, name: str, folder: Path) -> Any:
    """Return the parsed value of an option, with paths made absolute from `folder`.

    Raise ValueError with the name under which the user wrote the value, what is expected, and the value.
    """
    try:
        parsed = option.parse(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}, got {values.shortened(repr(value))}") from None
    if not option.is_path or (option.word is not None and parsed == option.word):
        return parsed
    if not isinstance(parsed, str):
        return tuple(_absolute(folder, part) for part in parsed)
    path = _absolute(folder, parsed)
    try:
        if option.check is not None:
            option.check(Path(path))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return path


def _absolute(folder: Path, part: str) -> str:
    # A shell expands `~` neither in an ini file nor behind the `=` of an option.
    return str(folder / os.path.expanduser(part))


def doctor_form(config: pytest.Config) -> str | None:
    """Return the form of the doctor's output, None if the doctor is not asked for; raise UsageError."""
    return None if (form := _configured(config, _option("doctor"))) is None else str(form)


def explained(config: pytest.Config) -> str | None:
    """Return the diagnosis whose page is asked for, None if none is; raise UsageError."""
    return None if (code := _configured(config, _option("explain"))) is None else str(code)


def ends_process(config: pytest.Config) -> bool:
    """Return whether to end the pytest process at its exit although Java threads still run; raise UsageError."""
    return bool(_configured(config, _option("end_process")))


def stress_hindrance(config: pytest.Config) -> str | None:
    """Return the option of pytest's beside which a test runs once at most; None if there is none."""
    flags = {
        "usepdb": "--pdb",
        "trace": "--trace",
        "collectonly": "--collect-only",
        "setuponly": "--setup-only",
        "setupplan": "--setup-plan",
    }
    return next((flag for name, flag in flags.items() if config.getoption(name, False)), None)


def check_stress(config: pytest.Config) -> None:
    """Raise UsageError for a command line on which the option stands beside one that it excludes.

    An ini key and a marker yield to such an option: the test runs once.
    """
    hindrance = stress_hindrance(config)
    for name in ("stress", "stress_seed", "stress_threads"):
        flag = _option(name).flag
        if config.getoption(flag) is not None and hindrance is not None:
            raise pytest.UsageError(f"{flag}: expected no {hindrance} beside it, which runs a test once or not at all")


def check_threads(config: pytest.Config, options: Options, amounts: Iterable[object]) -> None:
    """Raise UsageError if the command line has a number of threads and no test of the run has rounds.

    `amounts` are the markers' amounts of rounds. An ini key and a marker hold for runs that have rounds.
    """
    flag, stress = _option("stress_threads").flag, _option("stress").flag
    if config.getoption(flag) is not None and options.stress is None and not any(amounts):
        raise pytest.UsageError(f"{flag}: expected a test that runs in rounds, got none: add {stress}=100, for example")


def checks_on_command_line(config: pytest.Config) -> tuple[str, ...]:
    """Return the argument that asks for checkers; () if none is on the command line."""
    flag = _option("check").flag
    given = config.getoption(flag, None)
    return () if given is None else (f"{flag}={','.join(values.check_names(given))}",)


def source_of(config: pytest.Config, name: str) -> str:
    """Return the name under which the user has given an option: its flag on the command line, else its ini key."""
    option = _option(name)
    return option.flag if config.getoption(option.flag) is not None else option.ini


def settings_for(
    marked: Mapping[str, Any], mode: str, call_mode: str, options: Options, jvm: Jvm | None, *, isolation: str = "test"
) -> Settings:
    """Return the settings of a test; `marked` are the arguments of its markers, which override `options`.

    `isolation` holds if neither has one.
    """
    from ..model.settings import Settings

    checks = marked.get("check", options.check)
    return Settings(
        mode=mode,
        call_mode=call_mode,
        timeout=marked.get("timeout", options.timeout),
        jvm=jvm,
        jvm_args=with_jni_check(marked.get("jvm_args", options.jvm_args), checks),
        own_jvm_args="jvm_args" in marked or "classpath" in marked,
        jvm_profile=options.jvm_profile,
        classpath=marked.get("classpath", options.classpath),
        isolation=marked.get("isolation", options.isolation or isolation),
        stack=marked.get("stack", options.stack),
        block_signals=marked.get("block_signals", options.block_signals),
        finalize=marked.get("finalize", options.finalize),
        checks=checks,
        stress=marked.get("stress", options.stress),
        stress_threads=marked.get("stress_threads", options.stress_threads),
        stress_shrink=options.stress_shrink,
        native=options.native,
        message_limit=options.message_limit,
    )
