"""The shape of a report in pytest's serialized form, as a child may send it, checked before anything reads it.

Pytest's own code takes such data as it is, and fails later, where it shows a report. Fields that are not known here are
those of plugins; they may hold what they like.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ..model.report_attribute import ATTRIBUTE

_SHOWN: Final = 200
_LARGEST: Final = 2**63
OUTCOMES: Final = ("passed", "failed", "skipped")
WHENS: Final = ("setup", "call", "teardown")
SUBTEST_CONTEXT: Final = "_subtest.context"
"""Key under which pytest sends the arguments of a subtest."""

Check = Callable[[Any], bool]


class BadShape(Exception):
    """The text says what was expected and what came."""


def check(data: Mapping[str, Any], *, required: bool) -> None:
    """Raise BadShape for a field that does not fit; with `required` also for one that is missing."""
    for name in _TAKEN:
        if name in data:
            raise BadShape(f"expected a report without {name!r}, which is not a child's to set")
    for name, (fits, expected) in _FIELDS.items():
        if name not in data:
            if required and name in _REQUIRED:
                raise BadShape(f"expected a report with {name!r}, got one without")
        elif not fits(data[name]):
            raise BadShape(f"expected {expected} as {name!r} of a report, got {shown(data[name])}")


def shown(value: object) -> str:
    """Return the value as Python shows it, in one line that no child makes long."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def encodable(value: Any) -> Any:
    """Return the plain data without lone surrogates in its texts, which UTF-8 has no bytes for."""
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case list():
            return [encodable(one) for one in value]
        case dict():
            return {encodable(key): encodable(one) for key, one in value.items()}
        case _:
            return value


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    """Return whether the value is a finite number that a float can hold."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -_LARGEST < value < _LARGEST


def _is_whole(value: Any) -> bool:
    return _is_number(value) and isinstance(value, int)


def _none_or(fits: Check) -> Check:
    return lambda value: value is None or fits(value)


def _list_of(fits: Check) -> Check:
    return lambda value: isinstance(value, (list, tuple)) and all(map(fits, value))


def _row_of(*columns: Check) -> Check:
    def fits(value: Any) -> bool:
        same = isinstance(value, (list, tuple)) and len(value) == len(columns)
        return same and all(column(one) for column, one in zip(columns, value, strict=True))

    return fits


def _record_of(**fields: Check) -> Check:
    """Check for an object of these keys and no others."""

    def fits(value: Any) -> bool:
        same = isinstance(value, dict) and value.keys() == fields.keys()
        return same and all(field(value[name]) for name, field in fields.items())

    return fits


def _anything(_: Any) -> bool:
    return True


def _is_mark(value: Any) -> bool:
    """Whether pytest can draw a line of it."""
    return _is_text(value) and value != ""


_LINES: Final = _list_of(_is_text)
_PLACE: Final = _record_of(path=_is_text, lineno=_is_whole, message=_is_text)
_ARGUMENTS: Final = _record_of(args=_list_of(_row_of(_is_text, _anything)))
_LOCALS: Final = _record_of(lines=_LINES)
_ENTRY: Final = _record_of(
    lines=_LINES,
    reprfuncargs=_none_or(_ARGUMENTS),
    reprlocals=_none_or(_LOCALS),
    reprfileloc=_none_or(_PLACE),
    style=_is_text,
)


def _is_entry(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys() != {"type", "data"}:
        return False
    data = value["data"]
    if value["type"] == "ReprEntry":
        return _ENTRY(data)
    # Releases of pytest differ in what else they say of one that is text alone.
    return value["type"] == "ReprEntryNative" and isinstance(data, dict) and _LINES(data.get("lines"))


_TRACEBACK: Final = _record_of(reprentries=_list_of(_is_entry), extraline=_none_or(_is_text), style=_is_text)
_CHAIN: Final = _list_of(_row_of(_TRACEBACK, _none_or(_PLACE), _none_or(_is_text)))
_EXCEPTION: Final = _record_of(
    reprcrash=_none_or(_PLACE),
    reprtraceback=_TRACEBACK,
    sections=_list_of(_row_of(_is_text, _is_text, _is_mark)),
    chain=_none_or(_CHAIN),
)
_SKIP: Final = _row_of(_is_text, _none_or(_is_whole), _is_text)


def _is_longrepr(value: Any) -> bool:
    return value is None or _is_text(value) or _SKIP(value) or _EXCEPTION(value)


_FIELDS: Final[Mapping[str, tuple[Check, str]]] = {
    "nodeid": (_is_text, "text"),
    "location": (_row_of(_is_text, _none_or(_is_whole), _is_text), "a file, a line or null, and a name"),
    "keywords": (lambda value: isinstance(value, dict), "an object"),
    "outcome": (lambda value: value in OUTCOMES, f"one of {', '.join(OUTCOMES)}"),
    "when": (lambda value: value in WHENS, f"one of {', '.join(WHENS)}"),
    "longrepr": (_is_longrepr, "null, text, the place and reason of a skip, or an exception as pytest sends it"),
    "sections": (_list_of(_row_of(_is_text, _is_text)), "pairs of texts"),
    "user_properties": (_list_of(_row_of(_is_text, _anything)), "pairs of a name and a value"),
    "duration": (_is_number, "a number of seconds"),
    "start": (_is_number, "a number of seconds"),
    "stop": (_is_number, "a number of seconds"),
    "wasxfail": (_is_text, "text"),
    "url": (_is_text, "text"),
    SUBTEST_CONTEXT: (
        lambda value: isinstance(value, dict) and isinstance(value.get("kwargs"), dict) and "msg" in value,
        "an object with 'msg' and 'kwargs'",
    ),
}
# What this plugin, xdist, and pytest itself give a report in the pytest process.
_TAKEN: Final = (ATTRIBUTE, "node", "_id")
READ: Final = ("nodeid", "location", "keywords", "outcome", "when", "sections", "user_properties", "duration")
_REQUIRED: Final = ("nodeid", "location", "keywords", "outcome", "when", "sections", "duration")
