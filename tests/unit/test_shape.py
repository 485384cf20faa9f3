"""The page of the architecture says what the code is: its rooms, its drawing, the files that it names."""

from __future__ import annotations

import re

from tests import shape
from tests.layout import PACKAGE, ROOMS, ROOT

PAGE = ROOT / "docs" / "contributing" / "architecture.md"


def test_the_drawing_is_current() -> None:
    assert (PAGE.parent / "rooms.svg").read_text(encoding="utf-8") == shape.drawing() + "\n"


def test_the_page_has_each_room_once_in_the_order_of_imports() -> None:
    assert tuple(re.findall(r"^\| `(\w+)/` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)) == ROOMS


def test_the_files_that_the_page_names_exist() -> None:
    named = re.findall(r"`((?:\w+/)+(?:\w+\.py)?)`", PAGE.read_text(encoding="utf-8"))
    assert len(named) > 20
    inner = {"pytest/", "kept/", "archive/", "java/", "native/", "debugger/", "process/", "probes/", "baseline/"}
    missing = [name for name in named if name not in inner and not (ROOT / PACKAGE / name).exists()]
    assert [name for name in missing if not (ROOT / name).exists()] == []


def test_figures() -> None:
    figures = shape.figures()
    assert figures["modules at the root"] == "5"
    assert figures["rooms"] == str(len(ROOMS))
    assert figures['docstrings that start with "Give"'].startswith("0 of ")
    assert shape.table({"a": "1", "long": "2"}) == "a     1\nlong  2"
