"""The files beside the raw documents of a failure, so that the directory has all that an issue needs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...model.records import RunRecord
from .. import json_report, text
from ..command_line import shell_line, shell_word

_CONTENTS: Final = (
    "report.txt tells the failure, rerun.txt runs the test again; all files are explained at\n"
    "https://pytest-foreignthread.readthedocs.io/en/latest/how-to/bundle/"
)


@dataclass(frozen=True)
class Surroundings:
    """The facts about the run of pytest in which a test failed."""

    environment: Mapping[str, Any]
    order: Sequence[str]
    """Node ids, as a user would type them, of the tests that ran in this process. The last is the failed test's."""
    options: Sequence[str]
    """Arguments of pytest that a rerun needs."""
    hash_seed: str | None
    """The value of PYTHONHASHSEED; None if it is not set."""
    doctor: str
    """The text of the doctor's examination of this run."""


def texts(record: RunRecord, traceback: str, surroundings: Surroundings) -> dict[str, str]:
    """Return file name → text. `traceback` is pytest's; empty if the failure has none."""
    title = f"{record.rerun or record.nodeid}: {text.summary(record)}"
    # Without the record's options: `surroundings.options` has all options that a rerun needs.
    tests = [argument for argument in record.rerun_arguments if not argument.startswith("--")]
    return {
        "README.txt": "\n\n".join([title, surroundings.doctor, _CONTENTS]) + "\n",
        "record.json": _json(json_report.test_entry(record)),
        "report.txt": "\n\n".join(part for part in (traceback.rstrip(), text.render(record)) if part) + "\n",
        "environment.json": _json(surroundings.environment),
        "order.txt": "".join(f"{nodeid}\n" for nodeid in surroundings.order),
        "rerun.txt": rerun_command(tests, surroundings) + "\n",
    }


def rerun_command(tests: Sequence[str], surroundings: Surroundings) -> str:
    """Return the command line for a shell. It is to be run in the directory in which pytest was started."""
    seed = [] if surroundings.hash_seed is None else [f"PYTHONHASHSEED={shell_word(surroundings.hash_seed)}"]
    return " ".join([*seed, shell_line(["pytest", *tests, *surroundings.options])])


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=2) + "\n"
