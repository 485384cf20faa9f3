"""A platform that cannot fork, such as Windows: without its modules, functions and signals this one stands for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import RunSuite

# What Python's documentation marks as "Availability: Unix", as far as pytest does without it here.
SITE = """
import faulthandler, os, signal, sys

for name in ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty"):
    sys.modules[name] = None
for name in ("fork", "forkpty", "setsid", "setpgid", "getpgid", "killpg", "waitid", "mkfifo", "sched_getaffinity"):
    delattr(os, name)
for name in dir(signal):
    if name.startswith("SIG") and name[3:] not in ("INT", "TERM", "ABRT", "SEGV", "FPE", "ILL", "_DFL", "_IGN"):
        delattr(signal, name)
for name in ("pthread_sigmask", "pthread_kill", "sigtimedwait", "sigpending", "setitimer"):
    delattr(signal, name)
del faulthandler.register, faulthandler.unregister
"""
SUITE = """
import pytest

def test_ordinary():
    pass

@pytest.mark.foreign_thread
def test_foreign():
    pass

@pytest.mark.foreign_thread(mode=["new", "pool"])
def test_modes():
    pass

@pytest.mark.foreign_thread
@pytest.mark.skip(reason="not now")
def test_skipped():
    pass

def test_with_jvm(jvm):
    pass
"""
WORDS = "needs a child of pytest, and this platform cannot fork"


@pytest.fixture
def windows(tmp_path: Path) -> dict[str, str]:
    return {"PYTHONPATH": str(tmp_path)}


def test_ordinary_tests_run_and_each_other_one_errs(run_suite: RunSuite, windows: dict[str, str]) -> None:
    run = run_suite({"sitecustomize.py": SITE, "test_it.py": SUITE}, "-rE", env=windows)
    assert run.closing_line == "1 passed, 1 skipped, 4 errors", run.output + run.errors
    assert run.output.count(WORDS) >= 4
    assert "Traceback" not in run.output
    assert run.outcomes["test_modes[new]"] == "error"


def test_the_matrix_too(run_suite: RunSuite, windows: dict[str, str]) -> None:
    run = run_suite({"sitecustomize.py": SITE, "test_it.py": SUITE}, "--foreign-thread-matrix", env=windows)
    assert run.status == pytest.ExitCode.TESTS_FAILED
    assert WORDS in run.output
    assert "INTERNALERROR" not in run.output


@pytest.mark.parametrize("option", ["--markers", "--help", "--fixtures", "--collect-only"])
def test_what_runs_no_test_works(run_suite: RunSuite, windows: dict[str, str], option: str) -> None:
    run = run_suite({"sitecustomize.py": SITE, "test_it.py": SUITE}, option, env=windows)
    assert run.status == 0, run.output + run.errors
