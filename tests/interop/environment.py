"""An environment that has the plugins beside everything that the running one has."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).with_name("plugins.txt")
FOLDER = Path(sys.prefix) / "plugins"
PYTHON = FOLDER / "bin" / "python"


def install() -> None:
    """Make it anew, with the current releases that go with the running pytest; raise CalledProcessError."""
    venv.create(FOLDER, clear=True)
    scheme = sysconfig.get_preferred_scheme("prefix")
    packages = Path(sysconfig.get_path("purelib", scheme, {"base": str(FOLDER), "platbase": str(FOLDER)}))
    # Not a plain line: those of an editable install would not be read.
    line = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    (packages / "the_running_one.pth").write_text(line, encoding="utf-8")
    constraints = FOLDER / "constraints.txt"
    constraints.write_text(f"pytest=={pytest.__version__}\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--python", str(PYTHON), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "-r", REQUIREMENTS, "-c", constraints], check=True)
