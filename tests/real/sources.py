"""What a suite needs: a virtual environment, the source distribution, and the folder in which its tests are."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .suites import Suite

ROOT: Final = Path(__file__).resolve().parents[2]
BARE_CONFIG: Final = "bare.ini"
_NO_CPYTHON_TESTS: Final = (
    "CPython's own tests are not installed with {python}: a Python built from source has them, and so have those of "
    "pyenv and python.org; on Debian and Ubuntu they are in the package libpython{minor}-testsuite. Then make real "
    "PYTHON=…, with a .real/ that was made anew"
)


class SuiteError(Exception):
    """A suite cannot run; the text says why, and what to do."""


@dataclass(frozen=True)
class Workshop:
    """The git-ignored folder in which all of it lies. One environment serves all suites."""

    folder: Path

    @property
    def bin(self) -> Path:
        return self.folder / "venv" / "bin"

    def make(self) -> None:
        """Make the environment, with this project in it as it is being worked on."""
        if not (self.bin / "pytest").exists():
            self._run([sys.executable, "-m", "venv", "--clear", str(self.folder / "venv")])
            self._pip("install", "--editable", f"{ROOT}[jdk,native]")
        (self.folder / BARE_CONFIG).write_text("[pytest]\n", encoding="utf-8")

    def fetch(self, suite: Suite) -> Path:
        """Install what the suite needs and give the folder of its tests; raise SuiteError."""
        if suite.of_cpython:
            return self._standard_library(suite)
        folder = self.folder / f"{suite.name}-{suite.version}"
        if not folder.exists():
            self._unpack(suite, folder)
        stamp = self.folder / "venv" / f"{folder.name}.installed"
        if not stamp.exists():
            # Not a wheel: the compiled part is built from the sources whose tests run.
            self._pip("install", "--no-deps", "--force-reinstall", str(folder))
            self._pip("install", "pytest", *suite.requires)
            stamp.touch()
        return self._library("platlib") if suite.installed else folder

    def python_version(self) -> str:
        return self._answer("import platform; print(platform.python_version())")

    def _unpack(self, suite: Suite, folder: Path) -> None:
        kept = self.folder / "sdists" / suite.name
        self._pip("download", "--no-deps", "--no-binary", ":all:", "--dest", str(kept), suite.pinned)
        (archive,) = kept.glob("*.tar.gz")
        unpacked = kept / "unpacked"
        with tarfile.open(archive) as tar:
            # Python 3.11 has the filter from 3.11.4 on.
            tar.extraction_filter = getattr(tarfile, "data_filter", None)
            tar.extractall(unpacked)
        (inside,) = unpacked.iterdir()
        inside.rename(folder)

    def _standard_library(self, suite: Suite) -> Path:
        library = self._library("stdlib")
        if not all((library / test).exists() for test in suite.tests):
            python = self._answer("import sys; print(sys.base_prefix)")
            minor = self.python_version().rpartition(".")[0]
            raise SuiteError(_NO_CPYTHON_TESTS.format(python=python, minor=minor))
        return library

    def _library(self, kind: str) -> Path:
        return Path(self._answer(f"import sysconfig; print(sysconfig.get_path('{kind}'))"))

    def _answer(self, program: str) -> str:
        return self._run([str(self.bin / "python"), "-c", program]).strip()

    def _pip(self, *arguments: str) -> None:
        self._run([str(self.bin / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments])

    def _run(self, command: Sequence[str]) -> str:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SuiteError(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr.strip()}")
        return done.stdout
