"""Python, pytest, this plugin and JPype; other threads; and who enables faulthandler before a child does."""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
import threading
from collections.abc import Iterator
from importlib.metadata import version
from typing import Final

import pytest

from .. import __version__
from ..interop.pytest_plugins import has_faulthandler
from ..interop.running_jvm import running_jvm
from ..model.python_threads import name_of
from .findings import Finding, one_line

SECTION: Final = "python"


def examine(config: pytest.Config) -> Iterator[Finding]:
    yield Finding(SECTION, "Python", "ok", _interpreter())
    yield Finding(SECTION, "pytest", "ok", f"{pytest.__version__}, pluggy {version('pluggy')}")
    yield Finding(SECTION, "pytest-foreignthread", "ok", __version__)
    yield jpype()
    yield threads([name_of(thread) for thread in threading.enumerate() if thread is not threading.main_thread()])
    yield order_of_faulthandler(_enabled_by_interpreter(), has_faulthandler(config))


def _interpreter() -> str:
    builds = {"Py_DEBUG": "debug build", "Py_GIL_DISABLED": "free-threaded build"}
    kind = "".join(f", {words}" for name, words in builds.items() if sysconfig.get_config_var(name))
    return f"{platform.python_implementation()} {platform.python_version()}{kind}, {sys.executable}"


def jpype() -> Finding:
    """Return the finding on JPype: it can be imported, and no JVM runs in this process, which no fork could use."""
    try:
        from ..child.java import jvm  # noqa: F401
    except ImportError as error:
        help = "install it for this interpreter: pip install --force-reinstall jpype1"
        return Finding(SECTION, "JPype", "problem", f"cannot be imported: {one_line(error)}", help)
    if (running := running_jvm()) is not None:
        start, whose = ("call jpype.startJVM", "") if running.is_jpypes else ("start it", f" {running.origin}")
        help = f"let no conftest and no plugin {start}: no forked child can use that JVM or have its own"
        text = f"a JVM{whose} runs in the pytest process already (jvm-before-fork)"
        return Finding(SECTION, "JPype", "problem", text, help)
    return Finding(SECTION, "JPype", "ok", version("jpype1"))


def threads(others: list[str]) -> Finding:
    """Return the finding on other threads. A fork has none of them, and the locks that they hold stay locked in it."""
    if not others:
        return Finding(SECTION, "threads", "ok", "the main thread only")
    help = "start no threads before the tests, or end them: a lock that one holds stays locked in a forked child"
    return Finding(SECTION, "threads", "note", f"besides the main thread: {', '.join(others)}", help)


def order_of_faulthandler(by_interpreter: bool, by_plugin: bool) -> Finding:
    """Return the finding on who enables faulthandler in the pytest process, before the fork.

    Each child enables faulthandler again after the fork, for its own file and before its JVM starts.
    """
    who = [*(["Python"] if by_interpreter else []), *(["pytest's plugin"] if by_plugin else [])]
    before = f"enabled before the fork by {' and '.join(who)}" if who else "not enabled before the fork"
    return Finding(SECTION, "faulthandler", "ok", f"{before}; each child enables its own before its JVM")


def _enabled_by_interpreter() -> bool:
    """Return whether Python enables faulthandler: by PYTHONFAULTHANDLER, `-X faulthandler` or `-X dev`."""
    asked = "faulthandler" in sys._xoptions or sys.flags.dev_mode
    return asked or bool(os.environ.get("PYTHONFAULTHANDLER") and not sys.flags.ignore_environment)
