"""Compile the extension modules for which everything is there: `python build.py`."""

import os
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGES = {"cpp_threads": "pybind11", "cython_threads": "Cython"}
OPTIONS = ["-O1", "-shared", "-fPIC", "-pthread"]


def why_not(module):
    """Return what is missing for this module; None if nothing is."""
    if compiler() is None:
        return "no C++ compiler (c++, g++, clang++ or $CXX)"
    if find_spec(PACKAGES[module]) is None:
        return f"{PACKAGES[module]} is not installed"
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        return "no Python.h: the headers of this Python are not installed"
    return None


def compiler():
    names = [os.environ["CXX"]] if os.environ.get("CXX") else ["c++", "g++", "clang++"]
    return next(filter(None, map(shutil.which, names)), None)


def cpp_threads():
    import pybind11

    return HERE / "cpp_threads.cpp", ["-std=c++17", f"-I{pybind11.get_include()}"]


def cython_threads():
    written = HERE / "cython_threads.cpp"
    cython = [sys.executable, "-m", "cython", "-3", "--cplus"]
    subprocess.run([*cython, str(HERE / "cython_threads.pyx"), "-o", str(written)], check=True)
    return written, []


def build(module, source, options):
    target = HERE / f"{module}{sysconfig.get_config_var('EXT_SUFFIX')}"
    include = f"-I{sysconfig.get_path('include')}"
    subprocess.run([compiler(), *OPTIONS, *options, include, str(source), "-o", str(target)], check=True)
    print(f"built {target.name}")


if __name__ == "__main__":
    for sources in (cpp_threads, cython_threads):
        name = sources.__name__
        if reason := why_not(name):
            print(f"{name} cannot be built: {reason}")
        else:
            build(name, *sources())
