"""Compile cpp_threads.cpp beside itself: `python build.py` (needs a C++ compiler, and `pip install pybind11`)."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

HERE = Path(__file__).resolve().parent


def why_not():
    """Return what is missing; None where nothing is."""
    if compiler() is None:
        return "no C++ compiler (c++, g++, clang++ or $CXX)"
    try:
        import pybind11  # noqa: F401
    except ImportError:
        return "pybind11 is not installed"
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        return "no Python.h: the headers of this Python are not installed"
    return None


def compiler():
    names = [os.environ["CXX"]] if os.environ.get("CXX") else ["c++", "g++", "clang++"]
    return next(filter(None, map(shutil.which, names)), None)


def build():
    import pybind11

    target = HERE / f"cpp_threads{sysconfig.get_config_var('EXT_SUFFIX')}"
    includes = [f"-I{path}" for path in (sysconfig.get_path("include"), pybind11.get_include())]
    options = ["-std=c++17", "-O1", "-shared", "-fPIC", "-pthread"]
    subprocess.run([compiler(), *options, *includes, str(HERE / "cpp_threads.cpp"), "-o", str(target)], check=True)
    print(f"built {target.name}")


if __name__ == "__main__":
    if reason := why_not():
        sys.exit(f"cpp_threads cannot be built: {reason}")
    build()
