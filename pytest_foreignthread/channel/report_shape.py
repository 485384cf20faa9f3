"""The shape that a report in pytest's serialized form must have when a child sends it.

pytest does not check such data when it builds a report from it: wrong data fails later, while pytest shows the report,
as an INTERNALERROR of the run. So each field is checked before anything reads it. Fields that are not listed here are
those of plugins and may have any value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ..model.report_attribute import ATTRIBUTE

# Characters of a value in an error: a child may send a value of any length.
_SHOWN: Final = 200
# Larger numbers overflow where they are shown as a time or written to a file. Infinity and NaN fail the comparison too.
_LARGEST: Final = 2**63
OUTCOMES: Final = ("passed", "failed", "skipped")
WHENS: Final = ("setup", "call", "teardown")
SUBTEST_CONTEXT: Final = "_subtest.context"
"""The key under which pytest sends the arguments of a subtest."""

Check = Callable[[Any], bool]


class BadShape(Exception):
    """A report has a wrong shape; the text says what was expected and what came."""


def check(data: Mapping[str, Any], *, required: bool) -> None:
    """Raise BadShape for a field with a wrong value; if `required`, also for a field that is missing.

    A report of another type than pytest's own, a plugin's, need not have all fields.
    """
    for name in _RESERVED:
        if name in data:
            raise BadShape(f"expected a report without {name!r}, which is not a child's to set")
    for name, (fits, expected) in _FIELDS.items():
        if name not in data:
            if required and name in _REQUIRED:
                raise BadShape(f"expected a report with {name!r}, got one without")
        elif not fits(data[name]):
            raise BadShape(f"expected {expected} as {name!r} of a report, got {shown(data[name])}")


def check_short(data: Mapping[str, Any]) -> None:
    """Raise BadShape if the short form of a passed phase's report has a wrong or missing field, or one too many."""
    for name in data.keys() - _SHORT.keys():
        raise BadShape(f"expected a passed phase with no more than {', '.join(_SHORT)}, got {shown(name)}")
    for name, (fits, expected) in _SHORT.items():
        if name in data and not fits(data[name]):
            raise BadShape(f"expected {expected} as {name!r} of a passed phase, got {shown(data[name])}")
    for name in ("outcome", "when", "duration"):
        if name not in data:
            raise BadShape(f"expected a passed phase with {name!r}, got one without")


def shown(value: object) -> str:
    """Return the `repr` of a value, cut to a length that no child can exceed."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def encodable(value: Any) -> Any:
    """Return plain data with the lone surrogates in its texts escaped: UTF-8 cannot encode them."""
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
    """Return a check for a dict with exactly these keys, whose values pass these checks."""

    def fits(value: Any) -> bool:
        same = isinstance(value, dict) and value.keys() == fields.keys()
        return same and all(field(value[name]) for name, field in fields.items())

    return fits


def _anything(_: Any) -> bool:
    return True


def _is_mark(value: Any) -> bool:
    """Return whether a value can be the character of which pytest draws a line."""
    # pytest divides the width of the terminal by the length of this text.
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
    # Releases of pytest differ in the other fields of an entry that has only lines of text.
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
_SHORT: Final[Mapping[str, tuple[Check, str]]] = {
    "outcome": (lambda value: value == "passed", "'passed'"),
    "keywords": (_LINES, "a list of texts"),
    **{
        name: _FIELDS[name] for name in ("when", "duration", "start", "stop", "location", "sections", "user_properties")
    },
}
"""The fields of the short form of a report. Its keywords are only the names: each has the value 1."""
# Attributes that this plugin, xdist and pytest set on a report in the pytest process. A child that sends them would
# speak for the pytest process.
_RESERVED: Final = (ATTRIBUTE, "node", "_id")
READ: Final = ("nodeid", "location", "keywords", "outcome", "when", "sections", "user_properties", "duration")
_REQUIRED: Final = ("nodeid", "location", "keywords", "outcome", "when", "sections", "duration")
