"""What a user wrote → the value of an option or of a marker's argument, or ValueError with what is wanted."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ..model.outcomes import Outcome

DOCTOR_FORMS: Final = ("text", "json")
LEAST_BYTES: Final = 65536
"""A test without any output sends some kilobytes."""
LEAST_STACK: Final = 64 * 1024
"""With less a thread does not come as far as its body."""
MOST_STACK: Final = 1024**3
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
        raise ValueError("want a positive number of seconds, such as 30 or 0.5") from None
    return found


def count(value: object) -> int:
    if not str(value).isdecimal():
        raise ValueError("want a number, such as 0 or 2")
    return int(str(value))


def byte_count(value: object) -> int:
    if not str(value).isdecimal() or not int(str(value)) >= LEAST_BYTES:
        raise ValueError(f"want a number of bytes, {LEAST_BYTES} or more, such as 67108864")
    return int(str(value))


def stack_size(value: object) -> int:
    found = _SIZE.fullmatch(str(value).strip().lower())
    size = 0 if found is None or isinstance(value, bool) else int(found[1]) * _UNITS[found[2]]
    if not LEAST_STACK <= size <= MOST_STACK:
        raise ValueError("want a size from 64k to 1g, such as 128k, 8m or 131072")
    return size


def words(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        try:
            return tuple(shlex.split(value))
        except ValueError as error:
            raise ValueError(f"want shell words ({error})") from None
    return _strings(value, "want a string or a list of strings, such as ['-Xmx256m', '-ea']")


def paths(value: object) -> tuple[str, ...]:
    if isinstance(value, (str, os.PathLike)):
        # An ini value may go over several lines.
        parts = re.split(f"[{os.pathsep}\n]", os.fspath(value))
        return tuple(part.strip() for part in parts if part.strip())
    return _strings(value, f"want paths, joined by {os.pathsep!r} or in a list")


def _strings(value: object, wanted: str) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or not all(isinstance(part, (str, os.PathLike)) for part in value):
        raise ValueError(wanted)
    return tuple(os.fspath(part) for part in value)


def path(value: object) -> str:
    if not str(value):
        raise ValueError("want a path, not nothing")
    return str(value)


def report_path(value: object) -> str:
    if not str(value).endswith(REPORT_SUFFIXES):
        raise ValueError(f"want a file name that ends in {', '.join(REPORT_SUFFIXES[:-1])} or {REPORT_SUFFIXES[-1]}")
    return str(value)


def one_of(choices: Sequence[str]) -> Callable[[object], str]:
    def parse(value: object) -> str:
        if value not in choices:
            raise ValueError(f"want one of {', '.join(map(repr, choices))}")
        return str(value)

    return parse


def doctor_form(value: object) -> str:
    if value not in DOCTOR_FORMS:
        # argparse takes whatever stands next for the value.
        raise ValueError(f"want {' or '.join(DOCTOR_FORMS)}, or nothing after it: it needs no tests")
    return str(value)


def diagnosis_code(value: object) -> str:
    """Return what was written: which codes there are, the pages say."""
    return str(value)


def switch(value: object) -> bool:
    words = {"true": True, "on": True, "yes": True, "1": True, "false": False, "off": False, "no": False, "0": False}
    try:
        return words[str(value).lower()]
    except KeyError:
        raise ValueError("want true or false") from None


def flag(value: object) -> bool:
    return bool(value)


def check_file(path: Path) -> None:
    if path.is_dir():
        raise ValueError("that is a directory; want the name of a file")
    check_folder(path.parent)


def check_folder(path: Path) -> None:
    """It is made when it is needed, which its nearest ancestor must allow."""
    nearest = next(one for one in (path, *path.parents) if os.path.exists(one))
    if not nearest.is_dir():
        raise ValueError(f"{nearest} is a file, not a directory; name another place")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise ValueError(f"no permission to write to {nearest}; name another place")


def mode_list(modes: Sequence[str]) -> Callable[[object], tuple[str, ...]]:
    """Take a marker's mode, one or a list of them."""

    def parse(value: object) -> tuple[str, ...]:
        given = (value,) if isinstance(value, str) else value
        if not isinstance(given, (tuple, list)) or not given or not all(mode in modes for mode in given):
            raise ValueError(f"want one of {', '.join(map(repr, modes))}, or a list of them")
        return _each_once(given)

    return parse


def mode_names(modes: Sequence[str]) -> Callable[[object], tuple[str, ...]]:
    """Take modes joined by commas, in an ini file also by spaces and line ends."""

    def parse(value: object) -> tuple[str, ...]:
        given = [name for name in re.split(r"[,\s]+", str(value)) if name]
        if not given or not all(name in modes for name in given):
            raise ValueError(f"want some of {', '.join(modes)}, joined by commas")
        return _each_once(given)

    return parse


def _each_once(modes: Sequence[str]) -> tuple[str, ...]:
    if len(set(modes)) < len(modes):
        raise ValueError("want each mode once")
    return tuple(modes)


def reason(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("want a reason, as a string")
    return value


def _are_words(value: object) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(word, str) for word in value)


def expectations(modes: Sequence[str]) -> Callable[[object], dict[str, frozenset[Outcome]]]:
    """Take a marker's known outcomes: mode → `segfault`, or `hang/passed` (or a list) where that varies."""

    def parse(value: object) -> dict[str, frozenset[Outcome]]:
        if not isinstance(value, Mapping) or not value:
            raise ValueError("want modes and outcomes, such as {'new': 'segfault', 'pool': 'hang/passed'}")
        words = {mode: "/".join(word) if _are_words(word) else word for mode, word in value.items()}
        if not all(isinstance(word, str) for word in words.values()):
            raise ValueError("want modes and outcomes, such as {'new': 'segfault', 'pool': 'hang/passed'}")
        if wrong := [mode for mode in value if mode not in modes]:
            raise ValueError(f"no mode: {wrong[0]!r}: want one of {', '.join(map(repr, modes))}")
        from ..matrix.baseline.known import outcomes_of

        return {mode: outcomes_of(word) for mode, word in words.items()}

    return parse
