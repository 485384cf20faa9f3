"""Threads that the pytest process has when it forks: one warning for the run, and no failure for it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from .conftest import RunSuite, SuiteRun

CONFTEST: Final = """
    import ctypes, threading

    FOREVER = threading.Event()

    def start(name):
        threading.Thread(target=FOREVER.wait, name=name, daemon=True).start()

    def start_native():
        libc = ctypes.CDLL(None)
        ident = ctypes.c_ulong()
        assert libc.pthread_create(ctypes.byref(ident), None, ctypes.cast(libc.pause, ctypes.c_void_p), None) == 0
"""
AT_ONCE: Final = CONFTEST + "\n    start('watcher')\n    start('server')\n    start_native()\n    start_native()\n"
SUITE: Final = """
    import pytest
    pytestmark = pytest.mark.forked
    @pytest.mark.parametrize("number", range(4))
    def test_it(number): pass
"""
THREADS: Final = (
    'other threads when it forks a child for a test: "watcher", "server", 2 that Python did not start. A lock that'
)
NAME: Final = "ThreadsBeforeForkWarning"
OURS: Final = f"pytest_foreignthread.{NAME}"


def warned(ran: SuiteRun) -> int:
    return ran.output.count(f"{NAME}: The pytest process has")


def test_they_are_named_once(run_suite: RunSuite) -> None:
    ran = run_suite({"conftest.py": AT_ONCE, "test_it.py": SUITE})
    assert ran.closing_line == "4 passed, 1 warning"
    assert warned(ran) == 1
    assert THREADS in ran.output


FILTERS: Final = {
    "none": ((), "4 passed, 1 warning"),
    "all shown": (("-W", "always"), "4 passed, 1 warning"),
    "errors of all sorts": (("-W", "error"), "4 passed, 1 warning"),
    "in the ini file": (("-o", "filterwarnings=error"), "4 passed, 1 warning"),
    "of pytest's": (("-W", "error::pytest.PytestWarning"), "4 passed, 1 warning"),
    "this one ignored": (("-W", "error", "-W", f"ignore::{OURS}"), "4 passed"),
    "all ignored": (("-W", "ignore"), "4 passed"),
    "by its words": (("-W", "ignore:The pytest process has other threads"), "4 passed"),
    "not shown": (("--disable-warnings",), "4 passed, 1 warning"),
    "no plugin for warnings": (("-p", "no:warnings"), "4 passed"),
}


@pytest.mark.parametrize(("arguments", "closing"), FILTERS.values(), ids=FILTERS)
# The others word the same filters in another way, or have no plugin to filter.
@pytest.mark.by_default("none", "in the ini file", "this one ignored")
def test_filters(run_suite: RunSuite, arguments: tuple[str, ...], closing: str) -> None:
    """From Python 3.12 on each fork would warn by itself, too."""
    ran = run_suite({"conftest.py": AT_ONCE, "test_it.py": SUITE}, *arguments)
    assert (ran.closing_line, ran.status) == (closing, 0), ran.output
    assert "DeprecationWarning" not in ran.output + ran.errors


@pytest.mark.parametrize("chosen", [f"error::{OURS}", "error:The pytest process has other threads"])
def test_who_asks_for_an_error_has_one(run_suite: RunSuite, chosen: str) -> None:
    ran = run_suite({"conftest.py": AT_ONCE, "test_it.py": SUITE}, "-W", chosen)
    assert ran.status == pytest.ExitCode.USAGE_ERROR
    # The run ends amid its first test, which has its entry all the same.
    assert list(ran.outcomes.items()) == [("test_it[0]", "error")]
    (line,) = [line for line in ran.errors.splitlines() if line.startswith("ERROR: ")]
    assert THREADS in line


@pytest.mark.parametrize("mark", ["error", "ignore"])
def test_what_a_test_filters_is_of_no_account(run_suite: RunSuite, mark: str) -> None:
    source = f"""
        import pytest
        @pytest.mark.forked
        @pytest.mark.filterwarnings("{mark}")
        def test_it(): pass
    """
    ran = run_suite({"conftest.py": AT_ONCE, "test_it.py": source})
    assert (ran.closing_line, warned(ran)) == ("1 passed, 1 warning", 1)


def test_those_that_come_later(run_suite: RunSuite) -> None:
    source = """
        import pytest
        from conftest import start
        @pytest.mark.forked
        def test_before(): pass
        def test_starts(): start("late")
        @pytest.mark.forked
        def test_after(): pass
        @pytest.mark.forked
        def test_again(): pass
    """
    ran = run_suite({"conftest.py": CONFTEST, "test_it.py": source})
    assert (ran.closing_line, warned(ran)) == ("4 passed, 1 warning", 1)
    assert 'for a test: "late". A lock' in ran.output


FOREIGN: Final = """
    import threading
    import pytest
    @pytest.mark.foreign_thread
    @pytest.mark.parametrize("number", range(4))
    def test_it(number): pass
    @pytest.mark.forked
    @pytest.mark.parametrize("number", range(4))
    def test_forked(number): pass
    ended = threading.Thread(target=print)
    ended.start()
    ended.join()
"""


@pytest.mark.parametrize("arguments", [(), ("-n2",)], ids=["alone", "xdist"])
# `test_each_worker_of_xdist_warns_once` counts the words of workers.
@pytest.mark.by_default("alone")
@pytest.mark.usefixtures("own_interpreters")
def test_no_word_of_what_is_ours_or_xdists(run_suite: RunSuite, arguments: tuple[str, ...]) -> None:
    """With a class archive in the making, and children ready ahead of need."""
    ran = run_suite(FOREIGN, "--foreign-thread-ready=2", *arguments)
    assert ran.closing_line == "8 passed", ran.output


@pytest.mark.usefixtures("own_interpreters")
def test_each_worker_of_xdist_warns_once(run_suite: RunSuite) -> None:
    ran = run_suite({"conftest.py": AT_ONCE, "test_it.py": SUITE}, "-n2", "-W", "error")
    assert ran.closing_line in ("4 passed, 2 warnings", "4 passed, 1 warning")
    # pytest puts those together that say the same.
    assert warned(ran) == 1
    assert THREADS in ran.output


TEST: Final = "import pytest\n@pytest.mark.foreign_thread\ndef test_it(): pass\n"
WITHOUT_A_JVM: Final = TEST.replace("foreign_thread", "foreign_thread(mode='python')")
NUMPY: Final = """
    import ctypes
    libc = ctypes.CDLL(None)
    libc.pthread_create(ctypes.byref(ctypes.c_ulong()), None, libc.pause, None)
"""


AT_IMPORT_OF_JPYPE: Final = """
    import builtins, sys
    plain_import = builtins.__import__
    def import_and_start(name, *args, **kwargs):
        if name == "jpype" and "jpype" not in sys.modules:
            builtins.__import__ = plain_import
            plain_import("native_pool")
        return plain_import(name, *args, **kwargs)
    builtins.__import__ = import_and_start
"""


def test_what_our_own_import_of_jpype_starts_is_not_the_users_to_mend(run_suite: RunSuite, tmp_path: Path) -> None:
    """jpype imports numpy where there is one, and numpy's OpenBLAS starts threads."""
    files = {"libs/native_pool.py": NUMPY, "libs/sitecustomize.py": AT_IMPORT_OF_JPYPE, "test_it.py": TEST}
    run = run_suite(files, env={"PYTHONPATH": str(tmp_path / "libs")})
    assert run.closing_line == "1 passed"


def test_what_the_project_imports_is_named(run_suite: RunSuite, tmp_path: Path) -> None:
    files = {"libs/native_pool.py": NUMPY, "conftest.py": "import native_pool", "test_it.py": WITHOUT_A_JVM}
    run = run_suite(files, env={"PYTHONPATH": str(tmp_path / "libs")})
    assert "1 that Python did not start" in run.output
    assert "OMP_NUM_THREADS=1" in run.output


PLUGIN: Final = """
    import threading
    threading.Thread(target=threading.Event().wait, daemon=True).start()
"""
METADATA: Final = "Metadata-Version: 2.1\nName: pytest-server\nVersion: 1.0\n"


@pytest.mark.parametrize("installed", [True, False])
def test_a_thread_of_an_installed_plugin_is_not_the_users_to_mend(
    run_suite: RunSuite, tmp_path: Path, installed: bool
) -> None:
    module = PLUGIN.replace("threading.Event().wait", "wait").replace(
        "threading.Thread", "def wait(): threading.Event().wait()\n    threading.Thread"
    )
    files = {"libs/pytest_server.py": module, "test_it.py": WITHOUT_A_JVM}
    if installed:
        files["libs/pytest_server-1.0.dist-info/METADATA"] = METADATA
        files["libs/pytest_server-1.0.dist-info/entry_points.txt"] = "[pytest11]\nserver = pytest_server\n"
    else:
        files["conftest.py"] = "import pytest_server"
    run = run_suite(files, env={"PYTHONPATH": str(tmp_path / "libs")})
    assert (" of pytest_server" in run.output) is not installed
    assert run.closing_line == ("1 passed" if installed else "1 passed, 1 warning")


def test_a_jpype_that_cannot_be_imported_is_one_clear_error(run_suite: RunSuite, tmp_path: Path) -> None:
    run = run_suite({"libs/numpy.py": "", "test_it.py": TEST}, env={"PYTHONPATH": str(tmp_path / "libs")})
    assert run.status == pytest.ExitCode.USAGE_ERROR
    assert "JPype cannot be imported (" in run.errors
    assert "INTERNALERROR" not in run.output + run.errors
