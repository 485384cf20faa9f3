"""The schema of the machine-readable report: what it refuses, and that page and code agree with it."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import pytest

from pytest_foreignthread.matrix.verdicts import Verdict
from pytest_foreignthread.model.choices import MODES
from pytest_foreignthread.model.outcomes import Outcome, Phase
from pytest_foreignthread.model.stacks import Awaited, Gil, Motion
from pytest_foreignthread.report import json_report

from .sample_report import DOCS, SCHEMA, VALIDATOR, valid_document


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_enums_are_those_of_the_code() -> None:
    test = SCHEMA["$defs"]["test"]["properties"]
    assert test["phase"]["enum"] == [phase.value for phase in Phase]
    assert all(mode in test["mode"]["description"] for mode in MODES)
    definitions = SCHEMA["$defs"]
    assert definitions["outcome"]["enum"] == [outcome.value for outcome in Outcome]
    assert definitions["row"]["properties"]["verdict"]["enum"] == [verdict.value for verdict in Verdict]
    assert definitions["cell"]["properties"]["outcomes"]["items"]["enum"] == definitions["outcome"]["enum"]
    thread, wait = SCHEMA["$defs"]["thread"]["properties"], SCHEMA["$defs"]["wait"]["properties"]
    assert thread["gil"]["enum"] == [*(gil.value for gil in Gil), None]
    assert thread["motion"]["enum"] == [*(motion.value for motion in Motion), None]
    assert wait["kind"]["enum"] == [awaited.value for awaited in Awaited]
    assert SCHEMA["properties"]["schema_version"]["const"] == json_report.SCHEMA_VERSION


def test_the_page_shows_a_valid_report_and_names_every_field_and_word() -> None:
    page, modes, verdicts = (
        (DOCS / "reference" / f"{name}.md").read_text(encoding="utf-8") for name in ("report", "modes", "verdicts")
    )
    VALIDATOR.validate(json.loads(page.partition("```json")[2].partition("```")[0]))
    prose = page.rpartition("```")[2]
    definitions = SCHEMA["$defs"]
    names = [name for definition in definitions.values() for name in definition.get("properties", ())]
    names += ["python", "java", "c"]
    names += [member.value for member in (*Outcome, *Phase, *Gil, *Motion, *Awaited)]
    assert [name for name in names if f"`{name}`" not in prose] == []
    assert [name for name in MODES if f"`{name}`" not in modes] == []
    assert [verdict.value for verdict in Verdict if f"`{verdict.value}`" not in verdicts] == []


def objects(node: Any) -> list[dict[str, Any]]:
    """Every object that the schema describes field by field."""
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    own = [node] if isinstance(node, dict) and node.get("type") == "object" and "properties" in node else []
    return own + [found for child in children for found in objects(child)]


def test_the_schema_is_strict() -> None:
    described = objects(SCHEMA)
    assert len(described) == 25
    for node in described:
        assert node["additionalProperties"] is False
        assert node["required"] == list(node["properties"])


def places(node: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items: list[tuple[str | int, Any]] = []
    if isinstance(node, dict):
        items = list(node.items())
    elif isinstance(node, list):
        items = list(enumerate(node))
    return [place for key, child in items for place in [(*path, key), *places(child, (*path, key))]]


def at(node: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        node = node[key]
    return node


ALL_PLACES = places(valid_document())


@pytest.mark.parametrize("place", ALL_PLACES, ids=lambda place: ".".join(map(str, place)))
def test_a_value_of_a_wrong_type_is_refused(place: tuple[str | int, ...]) -> None:
    mutant = valid_document()
    at(mutant, place[:-1])[place[-1]] = [[]]
    assert not VALIDATOR.is_valid(mutant)


OPEN_MAPPINGS = ("artifacts", "missing", "cells", "verdicts")
FIELDS = [
    place for place in ALL_PLACES if isinstance(place[-1], str) and place[-2:-1] not in [(x,) for x in OPEN_MAPPINGS]
]


@pytest.mark.parametrize("place", FIELDS, ids=lambda place: ".".join(map(str, place)))
def test_a_missing_and_a_renamed_field_are_refused(place: tuple[str | int, ...]) -> None:
    lacking = valid_document()
    value = at(lacking, place[:-1]).pop(place[-1])
    renamed = copy.deepcopy(lacking)
    at(renamed, place[:-1])[f"{place[-1]}_"] = value
    extended = valid_document()
    at(extended, place[:-1])[f"{place[-1]}_"] = value
    assert [VALIDATOR.is_valid(mutant) for mutant in (lacking, renamed, extended)] == [False, False, False]


WRONG_VALUES: dict[str, Any] = {
    "mode": "side ways",
    "outcome": "exploded",
    "phase": "collect",
    "duration": -0.1,
    "signal": "11",
    "exit_code": 256,
    "nodeid": "",
    "problematic_frame": 7,
    "notes": [None],
    "test": "",
    "rerun": [],
}


@pytest.mark.parametrize(("field", "value"), WRONG_VALUES.items())
def test_a_wrong_value_is_refused(field: str, value: Any) -> None:
    mutant = valid_document()
    mutant["tests"][0][field] = value
    assert not VALIDATOR.is_valid(mutant)


def test_a_number_as_thread_ident_is_refused() -> None:
    mutant = valid_document()
    mutant["tests"][0]["threads"][0]["python_id"] = 0x7FC7CC8516C0
    assert not VALIDATOR.is_valid(mutant)


WRONG_IN_A_THREAD: dict[str, Any] = {
    "python_id": "4247",
    "native_id": -1,
    "gil": "has",
    "motion": "fast",
    "waits": [{"kind": "luck", "what": "luck", "owner": None}],
    "stacks": [[]],
}


@pytest.mark.parametrize(("field", "value"), WRONG_IN_A_THREAD.items())
def test_a_wrong_value_in_a_thread_is_refused(field: str, value: Any) -> None:
    mutant = valid_document()
    mutant["tests"][0]["threads"][0][field] = value
    assert not VALIDATOR.is_valid(mutant)


@pytest.mark.parametrize("language", ["c", "java", "rust", None])
def test_a_frame_of_another_language_is_refused(language: str | None) -> None:
    mutant = valid_document()
    frame = next(one for one in mutant["tests"][0]["threads"][0]["stacks"][0] if one["language"] == "python")
    frame["language"] = language
    assert VALIDATOR.is_valid(mutant) is (language == "java")


@pytest.mark.parametrize("code", ["", "Late", "late_callback", "late-", "-late"])
def test_a_code_that_names_no_page_is_refused(code: str) -> None:
    mutant = valid_document()
    mutant["tests"][0]["diagnosis"]["code"] = code
    assert not VALIDATOR.is_valid(mutant)
