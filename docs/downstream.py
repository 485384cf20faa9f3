"""Install examples/downstream in an environment of its own: `python docs/downstream.py DIRECTORY [--index]`.

The directory becomes a copy of the project, with the environment in .venv. The running environment lies under that one,
and nothing is fetched. With --index nothing lies under it, and everything comes from the package index, this plugin
apart: as the project's users and its CI install it.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "downstream"


def python_of(project: Path) -> Path:
    return project / ".venv" / "bin" / "python"


def copy(project: Path) -> None:
    ignored = shutil.ignore_patterns(".venv", ".pytest_cache", "__pycache__", "build", "*.egg-info", "*.so", "out")
    shutil.copytree(EXAMPLE, project, ignore=ignored, dirs_exist_ok=True)


def install(project: Path) -> None:
    """Install the project over the running environment; raise CalledProcessError."""
    environment = project / ".venv"
    venv.create(environment)
    scheme = sysconfig.get_preferred_scheme("prefix")
    packages = Path(sysconfig.get_path("purelib", scheme, {"base": str(environment), "platbase": str(environment)}))
    # Not a plain line: those of an editable install would not be read.
    line = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    (packages / "the_running_one.pth").write_text(line, encoding="utf-8")
    offline = ("--no-index", "--no-deps", "--no-build-isolation")
    pip(sys.executable, "--python", python_of(project), "install", *offline, project)


def install_from_index(project: Path) -> None:
    """Install the project as its workflow does, with this plugin in place of the published one."""
    venv.create(project / ".venv", with_pip=True)
    pip(python_of(project), "install", ROOT, f"{project}[test]")


def pip(python: str | Path, *arguments: str | Path) -> None:
    """Run pip; raise CalledProcessError."""
    command = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, metavar="DIRECTORY")
    parser.add_argument("--index", action="store_true")
    chosen = parser.parse_args(arguments)
    project = chosen.directory.resolve()
    copy(project)
    try:
        (install_from_index if chosen.index else install)(project)
    except subprocess.CalledProcessError as error:
        print(f"{EXAMPLE.name}: pip ended with status {error.returncode}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
