"""Check what `make dist` built, as a user gets it: `python -m tests.dist [--tag TAG] [--python PYTHON ...]`.

The wheel is installed in an environment of its own, of each interpreter that is named, without and with its extras, and
runs a suite there. The source distribution is unpacked and runs tests of its own. With a tag, the version has to be the
tag's.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest_foreignthread

ROOT: Final = Path(__file__).parents[1]
PLAIN: Final = "def test_plain():\n    pass\n"
WITHOUT_JVM: Final = """
import threading

import pytest


@pytest.mark.foreign_thread(mode=["main", "python", "native", "native-pool"])
def test_without_a_jvm():
    assert threading.current_thread().name
"""
WITH_JVM: Final = """
import threading

import pytest


@pytest.mark.foreign_thread(mode=["same", "new", "pool"])
def test_with_a_jvm(request):
    assert (threading.current_thread() is threading.main_thread()) == request.node.name.endswith("[same]")
"""
OF_THE_SDIST: Final = (
    "tests/unit/test_project.py",
    "tests/unit/test_site.py",
    "tests/unit/test_options.py",
    "tests/unit/test_wheel.py",
    "tests/unit/test_versions.py",
    "tests/unit/test_layout.py",
    "tests/plugin/test_downstream.py",
)
"""Of the tests in the source distribution those that need its files; all others are `make test` there."""


class Refused(Exception):
    """The distribution is not what a release may be."""


def built(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise Refused(f"{folder}: expected one {pattern}, got {len(found)}: run make dist")
    return found[0]


def run(command: Sequence[str | Path], folder: Path) -> None:
    print(f"$ {' '.join(map(str, command))}", flush=True)
    try:
        done = subprocess.run(command, cwd=folder, check=False)
    except OSError as error:
        raise Refused(f"{command[0]}: cannot be run: {error.strerror}") from error
    if done.returncode:
        raise Refused(f"{command[0]}: ended with status {done.returncode}")


def check_version(wheel: Path, tag: str | None) -> None:
    version = pytest_foreignthread.__version__
    if f"-{version}-" not in wheel.name:
        raise Refused(f"{wheel.name}: expected version {version}, which the package has: run make dist")
    if tag and tag != f"v{version}":
        raise Refused(f"tag {tag}: expected v{version}, which the package has")


def check_wheel(wheel: Path, folder: Path, interpreter: str) -> None:
    """Install the wheel bare and run what needs nothing else; then add its extras and run on threads of Java."""
    suite = folder / "suite"
    suite.mkdir(parents=True)
    run([interpreter, "-m", "venv", folder / "environment"], folder)
    python = folder / "environment" / "bin" / "python"
    tests = [PLAIN, WITHOUT_JVM] if sys.platform == "linux" else [PLAIN]
    (suite / "test_it.py").write_text("".join(tests), encoding="utf-8")
    run([python, "-m", "pip", "install", "--quiet", wheel], folder)
    run([python, "-m", "pytest", "--strict-markers"], suite)
    if sys.platform == "linux":
        (suite / "test_java.py").write_text(WITH_JVM, encoding="utf-8")
        run([python, "-m", "pip", "install", "--quiet", f"{wheel}[jdk,native]"], folder)
        run([python, "-m", "pytest", "--strict-markers"], suite)
        run([python, "-m", "pytest", "--foreign-thread-explain=no-gil"], suite)


def check_sdist(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as opened:
        # Python 3.11 has the filter from 3.11.4 on.
        opened.extraction_filter = getattr(tarfile, "data_filter", None)
        opened.extractall(folder)
    unpacked = folder / archive.name.removesuffix(".tar.gz")
    run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not thorough", *OF_THE_SDIST], unpacked)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tests.dist", description=__doc__)
    parser.add_argument("--tag")
    parser.add_argument("--python", action="append", default=[], help="an interpreter for the wheel, besides this one")
    parser.add_argument("--folder", type=Path, default=ROOT / "dist")
    chosen = parser.parse_args(arguments)
    try:
        wheel, archive = built(chosen.folder, "*.whl"), built(chosen.folder, "*.tar.gz")
        check_version(wheel, chosen.tag)
        with tempfile.TemporaryDirectory() as directory:
            for number, interpreter in enumerate([sys.executable, *chosen.python]):
                check_wheel(wheel.resolve(), Path(directory) / str(number), interpreter)
            if sys.platform == "linux":
                check_sdist(archive, Path(directory))
    except Refused as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
