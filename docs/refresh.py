"""Run the commands whose output the documents show, and put it in: `python docs/refresh.py [--check] [FILE ...]`.

Without files all documents are meant. A block of output is

    <!-- output of: pytest docs/examples/first_test.py -->
    ```text
    …
    ```

and one of source, which is put in as it stands,

    <!-- source of: docs/examples/first_test.py -->
    ```python
    …
    ```

`pytest` runs in this interpreter, from the project's root. After `downstream:` it runs in examples/downstream, as
installed by docs/downstream.py; DOWNSTREAM_PROJECT may name the directory of one that is. Paths of the machine are made
neutral. With --check nothing is written, and the exit status is 1 if a block differs in more than what differs from
run to run and from machine to machine: frames of stacks, addresses, versions, times, process ids.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(
    r"(?P<start><!-- output of: (?P<downstream>downstream: )?pytest(?P<arguments> .+?)? -->\n```text\n)"
    r".*?(?P<end>```\n)",
    re.DOTALL,
)
SOURCE = re.compile(
    r"(<!-- source of: (.+?) -->\n"
    r"```(?:python|cpp|cython|rust|yaml|java|ini|text)(?: title=\"[^\"]+\")?\n)(.*?)(```\n)",
    re.DOTALL,
)
VARYING = (
    # JPype's thread for references waits for the GIL at times, and is idle and not shown else.
    (r'(?m)^thread "Python Referenc.*\n', ""),
    # A thread that ends while it is looked at has no name any more.
    (r"(?m)^thread \d+\b.*\n", ""),
    # How many threads are idle is chance, too.
    (r"(?m)^\(and \d+ idle threads?\)\n", ""),
    # The rest of a thread's first line is wrapped by the width of its ids.
    (r"(?m)^thread (\"[^\"]*\"|\S+).*", r"thread \1"),
    (r"(?m)^Internal Error .*", "Internal Error"),
    (r"(?m)^problematic frame: .*|SIGSEGV in \S+", "problematic frame"),
    (r"(?m)^  .*\n", ""),
    # What lies at an address, and so what a stray pointer meets, differs between releases of Python.
    (r"\baddress \S+( \((null pointer|the end|no memory)[^)]*\))?", "address"),
    # CPython 3.10 crashes one frame earlier than its successors.
    (r"_PyEval_EvalFrameDefault|_PyFunction_Vectorcall", "frame"),
    (r"\[[\w.+-]+\]", "[library]"),
    # Which extension modules are imported depends on what is installed.
    (r"modules: .* \(total: \d+\)", "modules"),
    (r"0x[0-9a-f]+", "0x"),
    (r"\d+(\.\d+)* s\b|in \d+\.\d+s", "s"),
    (r"platform .*|plugins: .*|foreign-thread: .*", ""),
    (r"\d+", "9"),
    (r"=+|-{5,}|_{5,}", "="),
)


def documents() -> list[Path]:
    examples = sorted((ROOT / "examples").glob("*/README.md"))
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *examples]
    return [path for path in found if BLOCK.search(path.read_text(encoding="utf-8"))]


Run = Callable[[Sequence[str], Mapping[str, str]], str]
"""What runs pytest with these arguments and variables; returns what pytest prints."""


def run_pytest(arguments: Sequence[str], env: Mapping[str, str]) -> str:
    """Run pytest from the project's root."""
    return _printed([sys.executable, "-m", "pytest", *arguments], ROOT, env)


@contextlib.contextmanager
def runs_downstream() -> Iterator[Run]:
    """Run pytest in the installed examples/downstream.

    The directory is removed at the end, unless DOWNSTREAM_PROJECT names it.
    """
    with contextlib.ExitStack() as stack:
        if named := os.environ.get("DOWNSTREAM_PROJECT"):
            project = Path(named)
        else:
            project = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "quotefeed"
            subprocess.run([sys.executable, ROOT / "docs" / "downstream.py", project], check=True)
        python = str(project / ".venv" / "bin" / "python")
        yield lambda arguments, env: _printed([python, "-m", "pytest", *arguments], project, env).replace(
            str(project), "."
        )


def _printed(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> str:
    # pytest tells usage errors on stderr.
    return subprocess.run(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    ).stdout


def output_of(arguments: str, run: Run) -> str:
    # In a CI job pytest cuts no line of its summary.
    env = {name: value for name, value in os.environ.items() if name not in ("CI", "BUILD_NUMBER")}
    return neutral(run(["-p", "no:cacheprovider", *shlex.split(arguments)], env | {"COLUMNS": "80"}))


def neutral(text: str) -> str:
    for path, name in ((sysconfig.get_path("purelib"), "site-packages"), (sys.prefix, ".venv"), (str(ROOT), ".")):
        text = text.replace(path, name)
    # Directories of `tmp_path`.
    text = re.sub(re.escape(tempfile.gettempdir()) + r"/pytest-of-[^/]+/pytest-\d+/", "…/", text)
    return re.sub(r"(/[\w.+-]+)+/lib/python3\.\d+/", "…/", text)


def with_sources(text: str) -> str:
    return SOURCE.sub(lambda block: f"{block[1]}{(ROOT / block[2]).read_text(encoding='utf-8')}{block[4]}", text)


def refreshed(text: str, run: Run = run_pytest) -> str:
    """Return the page with the output of today; `run` runs the commands that run in the project's root."""
    is_installed = any(block["downstream"] for block in BLOCK.finditer(text))
    with runs_downstream() if is_installed else contextlib.nullcontext(run) as downstream:

        def with_output(block: re.Match[str]) -> str:
            output = output_of(block["arguments"] or "", downstream if block["downstream"] else run)
            return f"{block['start']}{output}{block['end']}"

        return BLOCK.sub(with_output, with_sources(text))


def essence(text: str) -> str:
    for pattern, constant in VARYING:
        text = re.sub(pattern, constant, text)
    return text


def rotten(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        text = path.read_text(encoding="utf-8")
        if essence(refreshed(text)) != essence(text):
            yield path


def main() -> int:
    named = [Path(name).resolve() for name in sys.argv[1:] if name != "--check"]
    if "--check" in sys.argv:
        found = list(rotten(named or documents()))
        for path in found:
            print(f"{path.relative_to(ROOT)}: its output is not what the command gives: run python docs/refresh.py")
        return 1 if found else 0
    for path in named or documents():
        path.write_text(refreshed(path.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
