"""The mode out of a node id."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_foreignthread.model.nodeids import file_of, without_mode

IDS: Final = {
    "the mode alone": ("t.py::test_x[new]", "new", "t.py::test_x"),
    "of a TestCase": ("t.py::Case::test_x[pool]", "pool", "t.py::Case::test_x"),
    "behind a parameter": ("t.py::test_x[1-new]", "new", "t.py::test_x[1]"),
    "before one": ("t.py::test_x[new-1]", "new", "t.py::test_x[1]"),
    "between two": ("t.py::test_x[a-new-b]", "new", "t.py::test_x[a-b]"),
    "a parameter of that name before": ("t.py::test_x[new-1-new]", "new", "t.py::test_x[new-1]"),
    "twice in a row": ("t.py::test_x[new-new]", "new", "t.py::test_x[new]"),
    "part of a longer word": ("t.py::test_x[renew-newer]", "new", "t.py::test_x[renew-newer]"),
    "an empty parameter before": ("t.py::test_x[-new]", "new", "t.py::test_x[]"),
    "two empty ones": ("t.py::test_x[--new]", "new", "t.py::test_x[-]"),
    "a mode with a dash": ("t.py::test_x[1-my-pool]", "my-pool", "t.py::test_x[1]"),
    "brackets and colons in a parameter": ("t.py::test_x[a[0]::b-new]", "new", "t.py::test_x[a[0]::b]"),
    "brackets in a folder": ("a[new]/t.py::test_x[new]", "new", "a[new]/t.py::test_x"),
    "brackets in a folder alone": ("a[new]/t.py::test_x", "new", "a[new]/t.py::test_x"),
    "no brackets": ("t.py::test_x", "new", "t.py::test_x"),
    "another mode": ("t.py::test_x[pool]", "new", "t.py::test_x[pool]"),
    "no function": ("doc.txt", "new", "doc.txt"),
}


@pytest.mark.parametrize(("nodeid", "mode", "test"), IDS.values(), ids=IDS)
def test_mode_is_taken_away(nodeid: str, mode: str, test: str) -> None:
    assert without_mode(nodeid, mode) == test


MODES: Final = st.sampled_from(["main", "same", "new", "pool", "my-pool", "native", "native-pool"])
PARAMETERS: Final = st.lists(st.one_of(MODES, st.text()), max_size=4)


# No deadline: a machine may be busy.
@settings(deadline=None, max_examples=60)
@given(PARAMETERS, MODES)
def test_what_parametrize_has_made_comes_apart_again(parameters: list[str], mode: str) -> None:
    whole = f"t.py::test_x[{'-'.join([*parameters, mode])}]"
    test = f"t.py::test_x[{'-'.join(parameters)}]" if parameters else "t.py::test_x"
    assert without_mode(whole, mode) == test


@settings(deadline=None, max_examples=60)
@given(PARAMETERS, st.sets(MODES, min_size=2))
def test_all_modes_of_a_test_give_the_same_id(parameters: list[str], modes: set[str]) -> None:
    runs = [(f"t.py::test_x[{'-'.join([*parameters, mode])}]", mode) for mode in modes]
    assert len({without_mode(nodeid, mode) for nodeid, mode in runs}) == 1


@settings(deadline=None, max_examples=60)
@given(st.text(), MODES)
def test_any_text_is_survived(nodeid: str, mode: str) -> None:
    assert file_of(without_mode(nodeid, mode)) == file_of(nodeid)
