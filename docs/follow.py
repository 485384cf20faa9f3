"""Follow a tutorial word by word in a fresh directory: `python docs/follow.py PAGE ... [--write] [--install]`.

A block of code with a title is written to the file of that name. The commands of a console block are run. What they
print must be what the page shows below them, except for what differs from run to run (see docs/refresh.py). With
--write the page gets what they print. This interpreter's environment is used, and the commands that install are left
out; with --install they are run, and install a wheel of this project in place of the published one. Blocks
below `<!-- needs: PROGRAM -->` are left out if that program is missing.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from refresh import ROOT, essence, neutral, with_sources

BLOCK = re.compile(
    r"(?ms)(?P<needs><!-- needs: (?P<program>\w+) -->\n(?:<!--[^>]*-->\n)?)?"
    r'^```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<body>.*?)^```$'
)
INSTALLING = re.compile(r"python3? -m venv|\. |pip install")
TOO_SLOW = "did not end in time"
"""A report says so if it lacks C frames because the machine was busy. The page does not show such a report."""
TRIES = 5


class Follower:
    """Who does what a page says, in a directory that only the page fills."""

    def __init__(self, folder: Path, wheel: Path | None) -> None:
        self._folder = folder
        self._wheel = wheel
        self._printed: str | None = None

    def take(self, block: re.Match[str]) -> str:
        """Do what the block says, and return the block with what was printed if it shows output."""
        if block["program"] and not shutil.which(block["program"]):
            return block[0]
        if block["title"]:
            path = self._folder / block["title"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block["body"], encoding="utf-8")
        elif block["language"] == "console":
            self._printed = self._output(block["body"])
        elif block["language"] == "text" and self._printed is not None:
            shown, self._printed = self._printed, None
            return f"{block['needs'] or ''}```text\n{shown}```"
        return block[0]

    def _output(self, session: str) -> str:
        commands = [line.removeprefix("$ ") for line in session.splitlines() if line.startswith("$ ")]
        if self._wheel:
            commands = [re.sub(r"pytest-foreignthread(?=\[)", str(self._wheel), command) for command in commands]
            if (self._folder / ".venv").is_dir():
                commands.insert(0, ". .venv/bin/activate")
        else:
            commands = [command for command in commands if not INSTALLING.match(command)]
        env = {
            name: value
            for name, value in os.environ.items()
            if not re.match(r"CI$|BUILD_NUMBER$|PYTEST_|VIRTUAL_ENV$", name)
        }
        env |= {"COLUMNS": "80", "PATH": f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', os.defpath)}"}
        for _ in range(TRIES):
            done = subprocess.run(
                ["bash", "-c", "\n".join(commands)],
                cwd=self._folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            if TOO_SLOW not in done.stdout:
                break
        # A reader has the package in site-packages, and an archive from the second run on.
        named = done.stdout.replace(f"{ROOT}/pytest_foreignthread/", "site-packages/pytest_foreignthread/")
        named = re.sub(r"(libjvm\.so); .*class archive.*", r"\1; class archive in use", named)
        return neutral(named.replace(str(self._folder.parent), "…"))


def built_wheel(folder: Path) -> Path:
    """Build this project's wheel, and return its path; exit with what the builder says if it fails."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the wheel was not built:\n{done.stdout}{done.stderr}")
    (wheel,) = folder.glob("*.whl")
    return wheel


def followed(page: Path, *, installs: bool = False) -> str:
    """Return the page's text with its sources and with what its commands print."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory) / page.stem
        folder.mkdir()
        follower = Follower(folder.resolve(), built_wheel(Path(directory)) if installs else None)
        return BLOCK.sub(follower.take, with_sources(page.read_text(encoding="utf-8")))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="+", type=Path, metavar="PAGE")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--install", action="store_true")
    chosen = parser.parse_args(arguments)
    status = 0
    for page in chosen.pages:
        text, new = page.read_text(encoding="utf-8"), followed(page, installs=chosen.install)
        if chosen.write:
            page.write_text(new, encoding="utf-8")
        elif essence(new) != essence(text):
            status = 1
            print(f"{page}: what it shows is not what its commands print: run python docs/follow.py --write {page}")
            print("\n".join(difflib.unified_diff(essence(text).splitlines(), essence(new).splitlines(), lineterm="")))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
