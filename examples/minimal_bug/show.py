"""Run the example and hold what is seen against what is expected; exit status 0 if they agree.

python show.py [ARGUMENTS FOR PYTEST]     for instance --foreign-thread-jvm=/usr/lib/jvm/jdk-25
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from folding import WIDTH, folded

HERE = Path(__file__).resolve().parent

CONTROL = """\
safely when run from Clojure
ALL YOUR BASE ARE BELONG TO US
Python after
your mood = yay
"""


@dataclass(frozen=True)
class Expected:
    """An outcome, and words of its evidence: of the problematic frame, the crashed thread's name, the message."""

    outcome: str
    frame: str = ""
    thread: str = ""
    message: str = ""


# A function that CPython 3.10 frees loses its code too, and the crash comes one C frame earlier. CPython 3.14 may have
# a function for each instruction, and the interpreter may be built without their names.
if sys.version_info >= (3, 14):
    FREED = "python"
else:
    FREED = "_PyEval_EvalFrameDefault" if sys.version_info >= (3, 11) else "_PyFunction_Vectorcall"
LATE_CALLBACK = Expected("segfault", frame=FREED, thread="-thread-1")
NULL = "<built-in function unnamed_function> returned NULL without setting an exception"

BROKEN = {
    "safely_clj_fail": LATE_CALLBACK,
    "safely_clj_no_fail": Expected("passed"),
    "new_thread_fail": LATE_CALLBACK,
    "new_thread_hang": Expected("hang"),
    "new_thread_hang_interrupted": Expected("null_result", message=NULL),
    "same_thread_no_fail": Expected("passed"),
    "vanilla_thread_no_fail": Expected("passed"),
    "simple_thread_think_no_fail": Expected("passed"),
}


FAILS_ON_PURPOSE = """\
The next run fails on purpose: four of its tests call Java through a broken
bridge, and their reports below show how a segfault, a hang and a NULL result
look as outcomes of a test. After it the same tests pass through a mended
bridge, and a table compares what was expected with what was seen.
"""
MENDED = "The same tests, through the mended bridge, on every kind of thread:\n"


@dataclass(frozen=True)
class Row:
    """A line of the table, and what was seen beside the outcome."""

    case: str
    expected: str
    seen: str
    agrees: bool
    details: str = ""

    def __str__(self) -> str:
        mark = "" if self.agrees else "  <- differs"
        line = f"{self.case:<28} {self.expected:<12} {self.seen}{mark}"
        return f"{line}\n{folded(f'    {self.details}')}" if self.details else line


def control() -> Row:
    print("$ python run.py", flush=True)
    run = subprocess.run([sys.executable, HERE / "run.py"], capture_output=True, text=True, check=False)
    print(run.stdout + run.stderr, flush=True)
    agrees = run.returncode == 0 and run.stdout == CONTROL
    return Row("run.py, no JVM (control)", "passed", "passed" if agrees else f"exit status {run.returncode}", agrees)


def tests(module: str, arguments: Sequence[str]) -> list[dict[str, Any]]:
    """Run a module's tests with pytest's output on the screen; return the entries of their report."""
    print(f"$ pytest {module}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        report, colour = Path(folder) / "report.json", "yes" if sys.stdout.isatty() else "no"
        # The reports stand on the screen: no documents of theirs are kept beside the example.
        quiet = ["--no-header", "-p", "no:cacheprovider", f"--color={colour}"]
        options = [f"--foreign-thread-report={report}", *quiet]
        command = [sys.executable, "-m", "pytest", str(HERE / module), *options, *arguments]
        _run_folded(command)
        entries: list[dict[str, Any]] = json.loads(report.read_text())["tests"] if report.exists() else []
    return entries


def _run_folded(command: Sequence[str]) -> None:
    """Run the command; print its output line by line, folded, with paths relative to this directory."""
    environment = {**os.environ, "COLUMNS": str(WIDTH)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as run:
        for line in run.stdout or ():
            print(folded(line.rstrip("\n").replace(f"{HERE}{os.sep}", "")), flush=True)


def broken_rows(entries: Sequence[dict[str, Any]]) -> Iterator[Row]:
    by_case = {entry["nodeid"].rpartition("::test_")[2].partition("[")[0]: entry for entry in entries}
    for case, expected in BROKEN.items():
        yield broken_row(case.replace("_", "-"), expected, by_case.get(case))


def broken_row(case: str, expected: Expected, entry: dict[str, Any] | None) -> Row:
    if entry is None:
        return Row(case, expected.outcome, "not run", agrees=False)
    frame, thread = entry["problematic_frame"] or "", crashed_thread(entry)
    agrees = (
        entry["outcome"] == expected.outcome
        and expected.frame in frame
        and expected.thread in thread
        and expected.message in entry["message"]
    )
    evidence = " ".join(filter(None, (frame.rpartition("] ")[2].strip(), thread and f"on {thread}")))
    details = (evidence or entry["message"]) if expected.outcome != "passed" or not agrees else ""
    return Row(case, expected.outcome, entry["outcome"], agrees, details)


def crashed_thread(entry: dict[str, Any]) -> str:
    if entry["signal"] is None:
        return ""
    return next((str(thread["name"]) for thread in entry["threads"] if thread["current"]), "")


def mended_row(entries: Sequence[dict[str, Any]]) -> Row:
    odd = [f"{entry['outcome']}: {entry['nodeid']}" for entry in entries if entry["outcome"] != "passed"]
    seen = "; ".join(odd) or f"passed ({len(entries)} of {len(entries)})"
    return Row("all of them, bridge mended", "passed", seen if entries else "not run", bool(entries) and not odd)


def main(arguments: Sequence[str]) -> int:
    rows = [control()]
    print(FAILS_ON_PURPOSE, flush=True)
    rows.extend(broken_rows(tests("test_minimal_bug.py", arguments)))
    print(f"\n{MENDED}", flush=True)
    rows.append(mended_row(tests("test_mended_bridge.py", arguments)))
    print(f"\n{'case':<28} {'expected':<12} seen", *rows, sep="\n")
    return 0 if all(row.agrees for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
