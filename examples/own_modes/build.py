"""Compile the extension modules for which everything is there: `python build.py`."""

import os
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUST = ["--release", "--manifest-path", str(HERE / "rust" / "Cargo.toml")]
OPTIONS = ["-O1", "-shared", "-fPIC", "-pthread"]


def why_no_cpp(package):
    """Return what is missing for a module that this package binds; None if nothing is."""
    if compiler() is None:
        return "no C++ compiler (c++, g++, clang++ or $CXX)"
    if find_spec(package) is None:
        return f"{package} is not installed"
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        return "no Python.h: the headers of this Python are not installed"
    return None


def why_no_rust():
    if shutil.which("cargo") is None:
        return "no Rust compiler (cargo)"
    got = subprocess.run(["cargo", "fetch", *RUST[1:]], capture_output=True, text=True, check=False)
    return f"cargo cannot get PyO3: {got.stderr.strip().splitlines()[-1].strip()}" if got.returncode else None


def compiler():
    names = [os.environ["CXX"]] if os.environ.get("CXX") else ["c++", "g++", "clang++"]
    return next(filter(None, map(shutil.which, names)), None)


def cpp_threads(target):
    import pybind11

    compile_cpp(HERE / "cpp_threads.cpp", target, "-std=c++17", f"-I{pybind11.get_include()}")


def cython_threads(target):
    written = HERE / "cython_threads.cpp"
    cython = [sys.executable, "-m", "cython", "-3", "--cplus"]
    subprocess.run([*cython, str(HERE / "cython_threads.pyx"), "-o", str(written)], check=True)
    compile_cpp(written, target)


def compile_cpp(source, target, *options):
    include = f"-I{sysconfig.get_path('include')}"
    subprocess.run([compiler(), *OPTIONS, *options, include, str(source), "-o", str(target)], check=True)


def pyo3_threads(target):
    # maturin and setuptools-rust set these variables themselves.
    variables = {"PYO3_BUILD_EXTENSION_MODULE": "1", "PYO3_PYTHON": sys.executable}
    folder = HERE / "rust" / "target"
    subprocess.run(["cargo", "build", *RUST, "--target-dir", str(folder)], check=True, env={**os.environ, **variables})
    shutil.copyfile(folder / "release" / "libpyo3_threads.so", target)


if __name__ == "__main__":
    for build, reason in (
        (cpp_threads, why_no_cpp("pybind11")),
        (cython_threads, why_no_cpp("Cython")),
        (pyo3_threads, why_no_rust()),
    ):
        name = build.__name__
        if reason:
            print(f"{name} cannot be built: {reason}")
        else:
            module = HERE / f"{name}{sysconfig.get_config_var('EXT_SUFFIX')}"
            build(module)
            print(f"built {module.name}")
