"""One table of option, ini key and marker argument, and the way from their values to `Settings`.

A marker's argument wins over the command line, that over the ini file, that over the default.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from .settings import JVM_PROFILES, MODES, NATIVE_CHOICES, Jvm, Settings


@dataclass(frozen=True)
class Option:
    """`parse` takes what a user wrote, text or a marker's value, and raises ValueError with what it wants."""

    name: str
    metavar: str
    parse: Callable[[object], Any]
    default: Any
    help: str
    in_ini: bool = True
    in_marker: bool = False
    is_path: bool = False
    """A relative path counts from where it was written: the command line's folder; rootdir for ini key and marker."""
    check: Callable[[Path], None] | None = None
    """Takes the absolute path and raises ValueError with what is wrong there, before any test runs."""

    @property
    def flag(self) -> str:
        return f"--foreign-thread-{self.name.replace('_', '-')}"

    @property
    def ini(self) -> str:
        return f"foreign_thread_{self.name}"


def _seconds(value: object) -> float:
    try:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise ValueError
        seconds = float(value)
        if not 0 < seconds < float("inf"):
            raise ValueError
    except (ValueError, OverflowError):
        raise ValueError("want a positive number of seconds, such as 30 or 0.5") from None
    return seconds


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        try:
            return tuple(shlex.split(value))
        except ValueError as error:
            raise ValueError(f"want shell words ({error})") from None
    return _strings(value, "want a string or a list of strings, such as ['-Xmx256m', '-ea']")


def _paths(value: object) -> tuple[str, ...]:
    if isinstance(value, (str, os.PathLike)):
        # An ini value may go over several lines.
        parts = re.split(f"[{os.pathsep}\n]", os.fspath(value))
        return tuple(part.strip() for part in parts if part.strip())
    return _strings(value, f"want paths, joined by {os.pathsep!r} or in a list")


def _strings(value: object, wanted: str) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or not all(isinstance(part, (str, os.PathLike)) for part in value):
        raise ValueError(wanted)
    return tuple(os.fspath(part) for part in value)


def _text(value: object) -> str:
    if not str(value):
        raise ValueError("want a path, not nothing")
    return str(value)


def _json_path(value: object) -> str:
    if not str(value).endswith(".json"):
        raise ValueError("want a file name that ends in .json")
    return str(value)


def _one_of(choices: Sequence[str]) -> Callable[[object], str]:
    def parse(value: object) -> str:
        if value not in choices:
            raise ValueError(f"want one of {', '.join(map(repr, choices))}")
        return str(value)

    return parse


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise ValueError("that is a folder; want the name of a file")
    _check_folder(path.parent)


def _check_folder(path: Path) -> None:
    """It is made when it is needed, which its nearest ancestor must allow."""
    nearest = next(one for one in (path, *path.parents) if os.path.exists(one))
    if not nearest.is_dir():
        raise ValueError(f"{nearest} is a file, not a folder; name another place")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise ValueError(f"no permission to write to {nearest}; name another place")


def _mode_list(value: object) -> tuple[str, ...]:
    modes = (value,) if isinstance(value, str) else value
    if not isinstance(modes, (tuple, list)) or not modes or not all(mode in MODES for mode in modes):
        raise ValueError(f"want one of {', '.join(map(repr, MODES))}, or a list of them")
    if len(set(modes)) < len(modes):
        raise ValueError("want each mode once")
    return tuple(modes)


OPTIONS: Final = (
    Option("timeout", "SECONDS", _seconds, 30.0, "limit of each phase of a test, in seconds (30)", in_marker=True),
    Option("jvm", "PATH", _text, None, "the JVM: the folder of a JDK, or its JVM library", is_path=True),
    Option("jvm_args", "ARGS", _words, (), "arguments for the JVM, as shell words", in_marker=True),
    Option(
        "jvm_profile",
        "NAME",
        _one_of(JVM_PROFILES),
        "quick",
        "JVM options: quick to start (quick), or its own (server)",
    ),
    Option("classpath", "PATHS", _paths, (), "class path of the JVM, joined as PATH is", in_marker=True, is_path=True),
    Option(
        "native",
        "HOW",
        _one_of(NATIVE_CHOICES),
        "auto",
        "native stacks by pystack: auto, off, or locals, with variables",
    ),
    Option(
        name="artifacts",
        metavar="DIR",
        parse=_text,
        default=None,
        help="keep the documents of failed tests here",
        in_ini=False,
        is_path=True,
        check=_check_folder,
    ),
    Option(
        name="report",
        metavar="FILE.json",
        parse=_json_path,
        default=None,
        help="write the results to a JSON file",
        in_ini=False,
        is_path=True,
        check=_check_file,
    ),
)
MODE: Final = Option("mode", "MODE", _mode_list, ("new",), "", in_marker=True)
MARKER_OPTIONS: Final = (MODE, *(option for option in OPTIONS if option.in_marker))


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("foreign-thread", "Python callbacks on Java threads")
    for option in OPTIONS:
        where = f" (ini: {option.ini})" if option.in_ini else ""
        group.addoption(option.flag, metavar=option.metavar, help=f"{option.help}{where}")
        if option.in_ini:
            parser.addini(option.ini, help=option.help, type="string", default=None)


def configured(config: pytest.Config) -> dict[str, Any]:
    """Give the value of each option by name; raise UsageError for one that cannot be understood."""
    return {option.name: _configured(config, option) for option in OPTIONS}


def _configured(config: pytest.Config, option: Option) -> Any:
    given = config.getoption(option.flag)
    try:
        if given is not None:
            return parsed_value(option, given, f"{option.flag}={given}", config.invocation_params.dir)
        # A key that is not there reads as "" in some releases of pytest, as None in others.
        if written := _ini_value(config, option):
            return parsed_value(option, written, f"ini key {option.ini} = {written}", config.rootpath)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    return option.default


def _ini_value(config: pytest.Config, option: Option) -> object:
    try:
        return config.getini(option.ini) if option.in_ini else None
    except TypeError as error:
        # A TOML file may hold a number where pytest wants text; not every release of it says so in a UsageError.
        raise ValueError(f"ini key {option.ini}: {error}") from None


def parsed_value(option: Option, value: object, shown: str, folder: Path) -> Any:
    """Raise ValueError with what was written, as `shown` gives it, and what is wanted."""
    try:
        parsed = option.parse(value)
        if not option.is_path:
            return parsed
        if not isinstance(parsed, str):
            return tuple(_absolute(folder, part) for part in parsed)
        path = _absolute(folder, parsed)
        if option.check is not None:
            option.check(Path(path))
        return path
    except ValueError as error:
        raise ValueError(f"{shown}: {error}") from None


def _absolute(folder: Path, part: str) -> str:
    # No shell has expanded what stands in an ini file, nor what follows an option's `=`.
    return str(folder / os.path.expanduser(part))


def jvm_source(config: pytest.Config) -> str:
    """Give the name under which a user names the JVM: the option where it is given, else the ini key."""
    option = next(option for option in OPTIONS if option.name == "jvm")
    return option.flag if config.getoption(option.flag) is not None else option.ini


def settings_for(
    marked: Mapping[str, Any], mode: str, call_mode: str, options: Mapping[str, Any], jvm: Jvm
) -> Settings:
    """`marked` has the arguments of the test's markers, which win over `options`."""
    chosen = {name: marked.get(name, options[name]) for name in ("timeout", "jvm_args", "classpath")}
    own = "jvm_args" in marked or "classpath" in marked
    run_wide = {name: options[name] for name in ("native", "jvm_profile")}
    return Settings(mode=mode, call_mode=call_mode, jvm=jvm, own_jvm_args=own, **run_wide, **chosen)
