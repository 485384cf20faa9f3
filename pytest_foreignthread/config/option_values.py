"""Parsers of options and of the marker's arguments. Each returns a value, or raises ValueError with what is wanted."""

from __future__ import annotations

import os
import re
import shlex
import stat
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..model.checkers import CHECKS

if TYPE_CHECKING:
    from ..model.outcomes import Outcome
    from ..model.stress_choice import Amount, Seed

DOCTOR_FORMS: Final = ("text", "json")
LEAST_BYTES: Final = 65536
"""The lowest message limit: even a test without output sends some kilobytes."""
LEAST_STACK: Final = 64 * 1024
"""The smallest stack in bytes: with less, a thread does not reach the body of the test."""
MOST_STACK: Final = 1024**3
MOST_READY: Final = 64
"""Children, each with a JVM of its own, before the first of them is needed."""
_NUMBER: Final = re.compile("[0-9]{1,15}")
MOST_SHOWN: Final = 200
"""Characters of a value that an error repeats."""
MOST_ROUNDS: Final = 1_000_000_000
MOST_SECONDS: Final = 1e7
MOST_THREADS: Final = 256
_TIME: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_SEED: Final = re.compile("([0-9]{1,10})(?::([1-9][0-9]{0,8})(?::(.*))?)?")
_SIZE: Final = re.compile(r"([0-9]{1,12})([kmg]?)b?")
_UNITS: Final[Mapping[str, int]] = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
REPORT_SUFFIXES: Final = (".json", ".html", ".md")


def seconds(value: object) -> float:
    try:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise ValueError
        found = float(value)
        if not 0 < found < float("inf"):
            raise ValueError
    except (ValueError, OverflowError):
        raise ValueError("expected a positive number of seconds, such as 30 or 0.5") from None
    return found


def shrink_seconds(value: object) -> float:
    if isinstance(value, bool) or not _TIME.fullmatch(str(value)) or float(str(value)) > MOST_SECONDS:
        raise ValueError(f"expected a number of seconds from 0, for off, to {MOST_SECONDS:.0f}, such as 10 or 0.5")
    return float(str(value))


def count(value: object) -> int:
    if (found := _number(value)) is None or found > MOST_READY:
        raise ValueError(f"expected a whole number from 0 to {MOST_READY}, such as 0 or 2")
    return found


def byte_count(value: object) -> int:
    if (found := _number(value)) is None or found < LEAST_BYTES:
        raise ValueError(f"expected a number of bytes, {LEAST_BYTES} or more, such as 67108864")
    return found


def _number(value: object) -> int | None:
    # `str.isdecimal` takes the digits of all scripts, and `int` as many as there are.
    return int(str(value)) if _NUMBER.fullmatch(str(value)) else None


def stack_size(value: object) -> int:
    found = _SIZE.fullmatch(str(value).strip().lower())
    size = 0 if found is None or isinstance(value, bool) else int(found[1]) * _UNITS[found[2]]
    if not LEAST_STACK <= size <= MOST_STACK:
        raise ValueError("expected a size from 64k to 1g, such as 128k, 8m or 131072")
    return size


def words(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        try:
            return tuple(shlex.split(value))
        except ValueError as error:
            raise ValueError(f"expected shell words ({error})") from None
    return _strings(value, "expected a string or a list of strings, such as ['-Xmx256m', '-ea']")


def paths(value: object) -> tuple[str, ...]:
    if isinstance(value, (str, os.PathLike)):
        # In an ini file, the value may have several lines.
        parts = re.split(f"[{os.pathsep}\n]", os.fspath(value))
        return tuple(part.strip() for part in parts if part.strip())
    return _strings(value, f"expected paths, joined by {os.pathsep!r} or in a list")


def _strings(value: object, wanted: str) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or not all(isinstance(part, (str, os.PathLike)) for part in value):
        raise ValueError(wanted)
    return tuple(os.fspath(part) for part in value)


def path(value: object) -> str:
    if not str(value):
        raise ValueError("expected a path")
    return str(value)


def report_path(value: object) -> str:
    # A name such as `.html` is all stem.
    if Path(str(value)).suffix not in REPORT_SUFFIXES:
        suffixes = f"{', '.join(REPORT_SUFFIXES[:-1])} or {REPORT_SUFFIXES[-1]}"
        raise ValueError(f"expected a file name that ends in {suffixes}")
    return str(value)


def stress(value: object) -> Amount:
    # Imported here: few runs of pytest are stressed.
    from ..model.stress_choice import Amount

    text = str(value).strip()
    number, seconds = (text[:-1], True) if text.endswith("s") else (text, False)
    try:
        if isinstance(value, bool):
            raise ValueError
        if not seconds:
            if not 1 <= (found := _number(number) or 0) <= MOST_ROUNDS:
                raise ValueError
            return Amount(found, None)
        if not _TIME.fullmatch(number) or not 0 < float(number) <= MOST_SECONDS:
            raise ValueError
    except ValueError:
        raise ValueError(
            f"expected a number of rounds from 1 to {MOST_ROUNDS}, such as 100, or of seconds, such as 60s"
        ) from None
    return Amount(None, float(number))


def stress_seed(value: object) -> Seed:
    from ..model.stress_choice import Seed
    from ..stress.schedule_parts import parsed

    found = _SEED.fullmatch(str(value).strip())
    if isinstance(value, bool) or found is None or int(found[1]) >= 2**32:
        raise ValueError(
            "expected a seed from a run's header or failure: a number below 2**32, "
            "with a round behind it or without, such as 2881734021:37"
        )
    parts = None if found[3] is None else parsed(found[3])
    return Seed(int(found[1]), None if found[2] is None else int(found[2]), parts)


def stress_threads(value: object) -> int:
    found = None if isinstance(value, bool) else _number(str(value).strip())
    if found is None or not 1 <= found <= MOST_THREADS:
        raise ValueError(f"expected a number of threads from 1 to {MOST_THREADS}, such as 8")
    return found


def one_of(choices: Sequence[str]) -> Callable[[object], str]:
    def parse(value: object) -> str:
        if value not in choices:
            raise ValueError(f"expected one of {', '.join(map(repr, choices))}")
        return str(value)

    return parse


def doctor_form(value: object) -> str:
    if value not in DOCTOR_FORMS:
        # argparse takes the next argument, such as the name of a test file, for the value of the option.
        raise ValueError(f"expected {' or '.join(DOCTOR_FORMS)}, or nothing after it: it needs no tests")
    return str(value)


def diagnosis_code(value: object) -> str:
    """Return the code unchecked: `doctor.explain`, which finds the pages, knows the codes."""
    return str(value)


def switch(value: object) -> bool:
    words = {"true": True, "on": True, "yes": True, "1": True, "false": False, "off": False, "no": False, "0": False}
    try:
        return words[str(value).lower()]
    except KeyError:
        raise ValueError("expected true or false") from None


def flag(value: object) -> bool:
    return bool(value)


def check_name_of_file(path: Path) -> None:
    """Raise ValueError if the path cannot be that of a file."""
    if _is_directory(path):
        raise ValueError(f"expected the name of a file, got the directory {path}")


def check_file(path: Path) -> None:
    """Raise ValueError if no file can be written there, also if its directory would have to be made first."""
    check_name_of_file(path)
    check_folder(path.resolve().parent)


def check_folder(path: Path) -> None:
    """Raise ValueError if the directory cannot be written to, or cannot be made below its nearest existing ancestor."""
    _is_directory(path)
    nearest = next(one for one in (path, *path.parents) if os.path.lexists(one))
    if not _is_directory(nearest):
        raise ValueError(f"expected a directory, got the file {nearest}; name another place")
    try:
        # A trial, not os.access(): the file system may refuse root too. On most file systems the file has no name.
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise ValueError(f"cannot write to {nearest} ({_reason(error)}); name another place") from None


def _is_directory(path: Path) -> bool:
    """Raise ValueError if the system takes no such path: a name too long, a loop of links, no permission."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise ValueError(f"{shortened(str(path))} cannot be reached ({_reason(error)}); name another place") from None


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def shortened(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def mode_list(modes: Sequence[str]) -> Callable[[object], tuple[str, ...]]:
    """Return the parser of a marker's `mode`: one mode, or a list of modes."""

    def parse(value: object) -> tuple[str, ...]:
        given = (value,) if isinstance(value, str) else value
        if not isinstance(given, (tuple, list)) or not given or not all(mode in modes for mode in given):
            raise ValueError(f"expected one of {', '.join(map(repr, modes))}, or a list of them")
        return _each_once(given, "mode")

    return parse


def mode_names(modes: Sequence[str]) -> Callable[[object], tuple[str, ...]]:
    """Return the parser of modes that are separated by commas, or, in an ini file, by spaces and line ends."""

    def parse(value: object) -> tuple[str, ...]:
        given = _names(str(value))
        if not all(name in modes for name in given):
            raise ValueError(f"expected some of {', '.join(modes)}, joined by commas")
        return _each_once(given, "mode")

    return parse


def check_names(value: object) -> tuple[str, ...]:
    """Return the names of checkers in the order of `CHECKS`; they are joined as those of modes are, or in a list.

    `none` asks for no checker, which the default or a more general setting may have.
    """
    given = _names(value) if isinstance(value, str) else value
    if given == ["none"]:
        return ()
    if not isinstance(given, (tuple, list)) or not given or not all(name in CHECKS for name in given):
        raise ValueError(f"expected one or more of {', '.join(CHECKS)}, or none")
    return tuple(sorted(_each_once(given, "checker"), key=CHECKS.index))


def _names(text: str) -> list[str]:
    """Return the names that are separated by commas, or, in an ini file, by spaces and line ends.

    Nothing between two commas is an empty name, as is nothing beside a comma at an end: a name may be missing there.
    """
    return re.split(r"\s*,\s*|\s+", text.strip())


def _each_once(names: Sequence[str], noun: str) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError(f"expected each {noun} once")
    return tuple(names)


def reason(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("expected a reason, as a string")
    return value


def _are_words(value: object) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(word, str) for word in value)


def no_such_mode(name: object, modes: Sequence[str]) -> str:
    return f"no mode: {name!r}: expected one of {', '.join(map(repr, modes))}"


def expectations(modes: Sequence[str]) -> Callable[[object], dict[str, frozenset[Outcome]]]:
    """Return the parser of a marker's `expect`: mode → `segfault`, or several outcomes, as `hang/passed` or a list."""

    def parse(value: object) -> dict[str, frozenset[Outcome]]:
        if not isinstance(value, Mapping) or not value:
            raise ValueError("expected modes and outcomes, such as {'new': 'segfault', 'pool': 'hang/passed'}")
        words = {mode: "/".join(word) if _are_words(word) else word for mode, word in value.items()}
        if not all(isinstance(word, str) for word in words.values()):
            raise ValueError("expected modes and outcomes, such as {'new': 'segfault', 'pool': 'hang/passed'}")
        if wrong := [mode for mode in value if mode not in modes]:
            raise ValueError(no_such_mode(wrong[0], modes))
        from ..matrix.baseline.known import outcomes_of

        return {mode: outcomes_of(word) for mode, word in words.items()}

    return parse
