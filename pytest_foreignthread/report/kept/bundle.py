"""What is kept beside the raw documents of a failure, so that the directory alone can be attached to an issue."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...model.records import RunRecord
from .. import json_report, text

_CONTENTS: Final = (
    "report.txt tells the failure, rerun.txt runs the test again; all files are explained at\n"
    "https://pytest-foreignthread.readthedocs.io/en/latest/how-to/bundle/"
)


@dataclass(frozen=True)
class Surroundings:
    """The run of pytest around one test."""

    environment: Mapping[str, Any]
    order: Sequence[str]
    """Node ids, as typed, of the tests that ran in this process, that of the failure last."""
    options: Sequence[str]
    """Arguments of pytest that a rerun needs."""
    hash_seed: str | None
    """PYTHONHASHSEED, where it is set."""
    doctor: str
    """The block of the doctor's examination of this run."""


def texts(record: RunRecord, traceback: str, surroundings: Surroundings) -> dict[str, str]:
    """Return file name → text; `traceback` is pytest's own, where the failure has one."""
    title = f"{record.rerun or record.nodeid}: {text.summary(record)}"
    # The options of the run have what else a rerun needs.
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
    """Return the words for a shell, in the directory in which pytest was started."""
    seed = [] if surroundings.hash_seed is None else [f"PYTHONHASHSEED={shlex.quote(surroundings.hash_seed)}"]
    return " ".join([*seed, shlex.join(["pytest", *tests, *surroundings.options])])


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=2) + "\n"
