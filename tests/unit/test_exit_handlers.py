"""Which handlers that were there before a test are left out where its interpreter is finalized."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

PROGRAM: Final = """
import atexit, functools, logging, os, tempfile, weakref
from types import SimpleNamespace
from pytest_foreignthread.interop.exit_handlers import leave_inherited_at_exit

class Entry:
    group = "pytest11"
    def __init__(self, value): self.value = value

def distribution(*values): return None, SimpleNamespace(entry_points=[Entry(value) for value in values])

def say(name, module):
    def handler(): os.write(1, f"{name}\\n".encode())
    handler.__module__ = module
    return handler

class Kept: pass

class Odd:
    def __eq__(self, other): return NotImplemented
    __hash__ = None
    def __call__(self): os.write(1, b"an object\\n")

kept, own = Kept(), tempfile.TemporaryDirectory()
manager = SimpleNamespace(list_plugin_distinfo=lambda: [distribution("pytest_y.plugin", "library.pytest_plugin:X")])
for name, module in {
    "project": "conftest", "library": "library", "below": "library.core", "alike": "pytest_yy",
    "PYTEST": "_pytest.pathlib", "XDIST": "xdist.workermanage", "COVERAGE": "coverage.control", "LOGGING": "logging",
    "PLUGIN": "pytest_y.cleaner", "MODULE": "library.pytest_plugin", "OURS": "pytest_foreignthread.run.session",
}.items():
    atexit.register(say(name, module))
atexit.register(functools.partial(functools.partial(say("PARTIAL", "multiprocessing.util"))))
atexit.register(functools.partial(say("partial", "project")))
atexit.register(own.cleanup)
atexit.register(Odd())
weakref.finalize(kept, say("finalizer", "project"))
weakref.finalize(kept, say("FINALIZER", "multiprocessing.pool"))
leave_inherited_at_exit(SimpleNamespace(pluginmanager=manager))
atexit.register(say("LATE", "multiprocessing.util"))
weakref.finalize(kept, say("LATE FINALIZER", "multiprocessing.pool"))
atexit.register(lambda: os.write(1, b"there\\n" if os.path.exists(own.name) else b"gone\\n"))
"""
STAYS: Final = {"project", "library", "below", "alike", "partial", "finalizer", "an object", "LATE", "LATE FINALIZER"}


def test_those_of_pytest_its_plugins_and_the_standard_library() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    assert set(done.stdout.splitlines()) == {*STAYS, "there"}
