"""The doctor's trials in real children, where something goes wrong in them."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_foreignthread.child import faults, handlers
from pytest_foreignthread.doctor import trial_run
from pytest_foreignthread.doctor.findings import Finding
from pytest_foreignthread.jvm.finding import find_jvm
from pytest_foreignthread.model.modes import OwnMode
from pytest_foreignthread.model.settings import Settings
from pytest_foreignthread.supervise.process import processes
from pytest_foreignthread.supervise.process.scratch import ScratchRoot

from ..supervise.real_children import held

SETTINGS: Final = Settings("new", "new", timeout=60.0, jvm=find_jvm(None, "a test"), native="off")


@pytest.fixture(autouse=True)
def _nothing_is_left(tmp_path: Path) -> Iterator[None]:
    before = held()
    yield
    assert held() == before
    assert processes.descendants(os.getpid()) == []
    assert list(tmp_path.glob("pytest-foreignthread-*")) == []


def tried(tmp_path: Path, settings: Settings, *modes: str, start: float = trial_run.START) -> dict[str, Finding]:
    with ScratchRoot(tmp_path) as scratch:
        found = trial_run.try_all(settings, scratch, modes, start=start)
    assert all(one.section == "trial" for one in found)
    return {one.name: one for one in found}


def crash(_runnable: Any) -> None:
    ctypes.string_at(0)


def leave(_runnable: Any) -> None:
    os._exit(3)


def refuse(_runnable: Any) -> None:
    raise ValueError("not\ntoday")


def test_a_mode_that_kills_the_child_hides_no_other(tmp_path: Path) -> None:
    settings = replace(
        SETTINGS, own_modes={"crash": OwnMode(crash), "leave": OwnMode(leave), "refuse": OwnMode(refuse)}
    )
    found = tried(tmp_path, settings, "same", "crash", "new", "leave", "refuse", "pool")
    assert list(found) == [
        *("JVM", "faulthandler order", "mode same", "mode crash", "mode new", "mode leave", "mode refuse"),
        *("mode pool", "attach socket", "pystack", "memory of a child"),
    ]
    assert {name for name, one in found.items() if one.level == "problem"} == {
        "mode crash",
        "mode leave",
        "mode refuse",
    }
    assert found["mode crash"].value.startswith("segfault: SIGSEGV in ")
    assert found["mode leave"].value == "crash: exited with status 3 in call"
    assert found["mode refuse"].value == "ValueError: not; today"
    assert "pytest_foreign_thread_modes" in found["mode crash"].advice


def test_a_mode_that_hangs(tmp_path: Path) -> None:
    settings = replace(SETTINGS, timeout=1.0, own_modes={"hang": OwnMode(lambda _: threading.Event().wait())})
    found = tried(tmp_path, settings, "hang", "main")
    assert (found["mode hang"].level, found["mode hang"].value) == ("problem", "hang: timed out after 1 s")
    assert found["mode main"].level == "ok"


def test_no_time_is_left_after_a_mode_that_died(tmp_path: Path) -> None:
    settings = replace(SETTINGS, own_modes={"crash": OwnMode(crash)})
    with ScratchRoot(tmp_path) as scratch:
        # The first child is forked in any case but one.
        *_, last = trial_run.try_all(settings, scratch, ["crash", "new", "pool"], seconds=0.001)
    assert (last.name, last.level, last.value) == ("modes", "note", "not tried: new, pool")


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("-XX:+NoSuchFlag", "Unrecognized VM option 'NoSuchFlag'"),
        ("-Xmx1", "Too small maximum heap"),
        # HotSpot ends the process by itself.
        ("-agentlib:nosuchagent", "Could not find agent library nosuchagent"),
    ],
)
def test_a_jvm_that_refuses_its_arguments(tmp_path: Path, argument: str, words: str) -> None:
    found = tried(tmp_path, replace(SETTINGS, jvm_args=(argument,)), "same", "new")
    assert list(found) == ["JVM", "modes"]
    assert found["JVM"].level == "problem"
    assert found["JVM"].value.startswith("did not start: ")
    assert words in found["JVM"].value
    assert found["JVM"].value.endswith(f"(its arguments: {argument})")
    assert found["modes"].value == "not tried: same, new"


def test_a_library_that_is_no_jvm(tmp_path: Path) -> None:
    (tmp_path / "libjvm.so").write_text("no library")
    assert SETTINGS.jvm is not None
    jvm = replace(SETTINGS.jvm, library=tmp_path / "libjvm.so")
    found = tried(tmp_path, replace(SETTINGS, jvm=jvm), "same")
    assert found["JVM"].level == "problem"
    assert "did not start: " in found["JVM"].value


def test_a_jvm_that_never_comes_up(tmp_path: Path) -> None:
    """As one does that waits for a debugger: `-agentlib:jdwp=…,suspend=y`."""
    paused = tmp_path / "paused"
    pause = ("-XX:+UnlockDiagnosticVMOptions", "-XX:+PauseAtStartup", f"-XX:PauseAtStartupFile={paused}")
    found = tried(tmp_path, replace(SETTINGS, jvm_args=pause), "same", start=2.0)
    assert paused.exists()
    assert found["JVM"].value.startswith("did not start: hang: timed out after 2 s")
    assert found["modes"].value == "not tried: same"


def test_a_jvm_that_may_not_be_attached_to(tmp_path: Path) -> None:
    found = tried(tmp_path, replace(SETTINGS, jvm_args=("-XX:+DisableAttachMechanism",)), "same")["attach socket"]
    assert (found.level, found.value) == ("problem", "the JVM opened no attach socket in time")
    assert found.advice == "leave out -XX:+DisableAttachMechanism, if it was started with that"


def test_signals_that_hotspot_does_not_answer_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With faulthandler's handlers left in place HotSpot's come first all the same; without its own none is left."""
    monkeypatch.setattr(faults, "leave_to_hotspot", lambda: None)
    wanted = {**handlers.WANTED, **dict.fromkeys(handlers.WANTED, handlers.PYTHON)}
    monkeypatch.setattr(handlers, "WANTED", wanted)
    found = tried(tmp_path, SETTINGS, "same")["faulthandler order"]
    assert (found.level, "SIGSEGV: HotSpot" in found.value) == ("problem", True)
