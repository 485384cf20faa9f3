"""What follows a tutorial sees a page that does not do what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

FOLLOW: Final = Path(__file__).parents[2] / "docs" / "follow.py"
PAGE: Final = """# A page
```console
$ python3 -m venv .venv
$ pip install this-package-is-nowhere
```

Write `a.txt`:
```text title="a.txt"
one
```
```console
$ cat a.txt
$ python -c 'import sys; print(sys.prefix)' > prefix; echo two
```
```text
one
two
```
"""


def follow(folder: Path, page: str, *arguments: str) -> tuple[int, str, str]:
    path = folder / "page.md"
    path.write_text(page, encoding="utf-8")
    command = [sys.executable, str(FOLLOW), *arguments, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout, path.read_text(encoding="utf-8")


def test_a_page_that_holds(tmp_path: Path) -> None:
    assert follow(tmp_path, PAGE) == (0, "", PAGE)
    assert [path.name for path in tmp_path.iterdir()] == ["page.md"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\none\ntwo\n", "\none\nthree\n"),
        ('"a.txt"\none', '"a.txt"\nuno'),
        ("echo two", "echo second"),
        ("cat a.txt", "cat b.txt"),
    ],
    ids=["output", "file", "command", "name"],
)
def test_a_page_that_does_not_hold(tmp_path: Path, old: str, new: str) -> None:
    status, printed, _ = follow(tmp_path, PAGE.replace(old, new))
    assert status == 1
    assert printed.startswith(f"{tmp_path / 'page.md'}: what it shows is not what its commands print: ")


def test_the_output_is_written_into_the_page(tmp_path: Path) -> None:
    assert follow(tmp_path, PAGE.replace("\none\ntwo\n", "\nold\n"), "--write") == (0, "", PAGE)


def test_commands_of_a_report_that_the_machine_was_too_slow_for_run_again(tmp_path: Path) -> None:
    page = """```console
$ echo try >> tries; [ $(wc -l < tries) -ge 3 ] && echo a report || echo native: pystack did not end in time
$ cat tries
```
```text
a report
try
try
try
```
"""
    assert follow(tmp_path, page) == (0, "", page)


def test_blocks_that_need_a_program_are_left_out_without_it(tmp_path: Path) -> None:
    left_out = "<!-- needs: nosuchprogram -->\n```"
    needs = f"{left_out}console\n$ nosuchprogram\n```\n{left_out}text\nit ran\n```\n"
    assert follow(tmp_path, PAGE + needs) == (0, "", PAGE + needs)
    assert follow(tmp_path, PAGE + needs.replace("nosuchprogram", "cat"))[0] == 1
