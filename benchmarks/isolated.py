"""A child and a JVM for each test: beside pytest-forked with a JVM in each test, and beside the floor."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

from . import floor, jpype_alone, suites
from .bench import Bench
from .figures import Row
from .measure import BenchmarkError, Command, Pytest, cpus, environment, in_turn, walls

# pytest-forked 1.6 fails each test under pytest 9.2: its reports hold what `marshal` does not take.
_REQUIREMENTS: Final = ("pytest==8.4.*", "pytest-forked>=1.6", f"jpype1=={version('jpype1')}")
_FOLDER: Final = Path(__file__).parent / f".venv-forked-{sys.version_info.major}.{sys.version_info.minor}"


def ours(bench: Bench) -> Pytest:
    tests = bench.sizes.isolated
    suite = suites.trivial(bench.folder / "ours", tests, head=suites.marker("new"))
    return bench.ours(suite, f"{tests} passed", "--foreign-thread-isolation=test")


def beside_pytest_forked(bench: Bench) -> list[Row]:
    tests = bench.sizes.isolated
    own, other = in_turn(bench.repeat, ours(bench).run, _forked(bench).run)
    name = f"{tests} tests, a JVM each / pytest-forked"
    return [
        Row(f"{name}: wall", "s", walls(own), walls(other), 0.30),
        Row(f"{name}: CPU", "s", cpus(own), cpus(other), 0.45),
    ]


def beside_the_floor(bench: Bench) -> list[Row]:
    tests = bench.sizes.isolated
    bare, jpypes = _program(bench, floor.__file__), _program(bench, jpype_alone.__file__)
    own, other, with_jpype = in_turn(bench.repeat, ours(bench).run, bare.run, jpypes.run)
    name, beside = f"{tests} tests, a JVM each / fork and bare JVM", f"{tests} tests, a JVM each / JPype alone"
    return [
        Row(f"{name}: wall", "s", walls(own), walls(other), 2.5),
        Row(f"{name}: CPU", "s", cpus(own), cpus(other)),
        Row(f"{beside}: wall", "s", walls(own), walls(with_jpype)),
        Row(f"{beside}: CPU", "s", cpus(own), cpus(with_jpype)),
    ]


def _program(bench: Bench, file: str) -> Command:
    arguments = (sys.executable, file, str(bench.jvm.library), str(bench.sizes.isolated))
    return Command(arguments, bench.folder, environment(), words=f"{bench.sizes.isolated} JVMs")


def _forked(bench: Bench) -> Pytest:
    tests = bench.sizes.isolated
    start = f"jpype.startJVM(jvmpath={str(bench.jvm.library)!r})"
    suite = suites.trivial(bench.folder / "forked", tests, head="import jpype\n", body=start)
    arguments = ("-p", "pytest_forked", "--forked")
    python = str(other_environment())
    return Pytest(suite, arguments, f"{tests} passed", python=python, environment=forked_environment())


def forked_environment() -> dict[str, str]:
    # What PYTHONPATH names is of this interpreter's environment.
    around = environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    around.pop("PYTHONPATH", None)
    return around


def other_environment() -> Path:
    """Return the interpreter of a virtual environment with pytest-forked, made once; raise BenchmarkError."""
    python, stamp = _FOLDER / "bin" / "python", _FOLDER / "requirements.txt"
    if stamp.exists() and stamp.read_text(encoding="utf-8").split() == list(_REQUIREMENTS):
        return python
    print(f"installing {', '.join(_REQUIREMENTS)} into {_FOLDER.name}", flush=True)
    install = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *_REQUIREMENTS)
    for command in ((sys.executable, "-m", "venv", "--clear", str(_FOLDER)), install):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchmarkError(f"{' '.join(command)}: {(done.stderr or done.stdout)[-2000:]}")
    stamp.write_text("\n".join(_REQUIREMENTS) + "\n", encoding="utf-8")
    return python
