"""The files beside the documents, from a record and what surrounds it."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import Final

import pytest

from pytest_foreignthread.model.outcomes import Outcome, Phase
from pytest_foreignthread.model.records import RunRecord
from pytest_foreignthread.report import json_report, text
from pytest_foreignthread.report.kept import bundle
from pytest_foreignthread.report.kept.bundle import Surroundings, rerun_command

AROUND: Final = Surroundings(
    {"python": "3.11.9", "cwd": "/src/\udcff"},
    ("t.py::a", "t.py::b[x y]"),
    ("-p", "no:x"),
    None,
    "what the doctor says",
)
CRASH: Final = RunRecord("t.py::b[x y]", "pool", Outcome.CRASH, Phase.CALL, 0.25, exit_code=3, rerun="sub/t.py::b[x y]")


def test_the_files() -> None:
    texts = bundle.texts(CRASH, "", AROUND)
    assert list(texts) == ["README.txt", "record.json", "report.txt", "environment.json", "order.txt", "rerun.txt"]
    assert all(text.endswith("\n") for text in texts.values())


def test_the_cover_names_the_failure_and_shows_the_doctors_block() -> None:
    cover = bundle.texts(CRASH, "", AROUND)["README.txt"].splitlines()
    assert cover[0] == "sub/t.py::b[x y]: exited with status 3 in call"
    assert cover[1:4] == ["", "what the doctor says", ""]


def test_the_record_is_the_entry_of_the_report() -> None:
    assert json.loads(bundle.texts(CRASH, "", AROUND)["record.json"]) == json_report.test_entry(CRASH)


def test_the_report_is_what_the_terminal_shows() -> None:
    assert bundle.texts(CRASH, "", AROUND)["report.txt"] == text.render(CRASH) + "\n"


def test_the_report_has_the_traceback_of_a_null_result() -> None:
    null = replace(CRASH, outcome=Outcome.NULL_RESULT, exit_code=None, message="f returned NULL")
    assert bundle.texts(null, "E   SystemError\n", AROUND)["report.txt"] == f"E   SystemError\n\n{text.render(null)}\n"


def test_the_environment_is_given_back_by_json() -> None:
    assert json.loads(bundle.texts(CRASH, "", AROUND)["environment.json"]) == AROUND.environment


def test_the_order_is_one_node_id_a_line() -> None:
    assert bundle.texts(CRASH, "", AROUND)["order.txt"] == "t.py::a\nt.py::b[x y]\n"


@pytest.mark.parametrize(
    ("around", "words"),
    [
        (AROUND, ["pytest", "sub/t.py::b[x y]", "-p", "no:x"]),
        (replace(AROUND, options=()), ["pytest", "sub/t.py::b[x y]"]),
        (
            replace(
                AROUND,
                options=(
                    "-o",
                    "a=b c",
                ),
                hash_seed="0",
            ),
            ["PYTHONHASHSEED=0", "pytest", "sub/t.py::b[x y]", "-o", "a=b c"],
        ),
        (replace(AROUND, options=(), hash_seed="; x"), ["PYTHONHASHSEED=; x", "pytest", "sub/t.py::b[x y]"]),
    ],
    ids=["options", "none", "hash seed", "hash seed that a shell would run"],
)
def test_the_rerun_is_one_command(around: Surroundings, words: list[str]) -> None:
    command = bundle.texts(CRASH, "", around)["rerun.txt"]
    assert command.count("\n") == 1
    assert shlex.split(command) == words


def test_a_record_without_a_typed_id_is_rerun_by_its_node_id() -> None:
    assert rerun_command([CRASH.nodeid], replace(AROUND, options=())) == "pytest 't.py::b[x y]'"
    assert bundle.texts(replace(CRASH, rerun=""), "", AROUND)["rerun.txt"].startswith("pytest 't.py::b[x y]' ")
