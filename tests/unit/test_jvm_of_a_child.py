"""A child's JVM that does not start, and one that ends: without a JVM."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from pytest_foreignthread.child.java import jvm
from pytest_foreignthread.interop.running_jvm import RunningJvm
from pytest_foreignthread.model import documents
from pytest_foreignthread.model.settings import Jvm, Settings

SETTINGS = Settings("new", "new", 30.0, Jvm(Path("/jdk/lib/server/libjvm.so"), "25", "JAVA_HOME"))


def removed(folder: Path) -> None:
    shutil.rmtree(folder)


def file_removed(folder: Path) -> None:
    (folder / documents.JVM_START).unlink()


def directory_instead(folder: Path) -> None:
    file_removed(folder)
    (folder / documents.JVM_START).mkdir()


def printed(_: Path) -> None:
    os.write(2, b"printed by the JVM\n")


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        (printed, "printed by the JVM"),
        (removed, "cannot be read: "),
        (file_removed, "cannot be read: "),
        (directory_instead, "cannot be read: "),
    ],
)
def test_a_start_that_fails(
    happens: Callable[[Path], None], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "scratch"
    folder.mkdir()

    def start(*_: str, **__: Any) -> NoReturn:
        happens(folder)
        raise RuntimeError("no such collector")

    monkeypatch.setattr(jvm, "_start_jvm", start)
    monkeypatch.setattr(jvm, "leave_to_hotspot", lambda: None)
    with pytest.raises(jvm.JvmStartError) as raised:
        jvm.start(SETTINGS, folder)
    assert str(raised.value).startswith("no such collector\n")
    assert words in str(raised.value)


class Ending:
    """A JVM that JPype no longer has, and a clock that only `sleep` moves."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def in_memory(self) -> RunningJvm | None:
        return RunningJvm("JPype", "/libjvm.so") if self.now < self._seconds else None


@pytest.mark.parametrize(
    ("is_started", "seconds", "waited"), [(True, 9.0, 0.0), (False, 0.0, 0.0), (False, 0.5, 0.5), (False, 9.0, 2.0)]
)
def test_wait_lasts_while_the_jvm_exits(
    is_started: bool, seconds: float, waited: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending = Ending(seconds)
    monkeypatch.setattr(jvm, "is_started", lambda: is_started)
    monkeypatch.setattr(jvm, "jvm_in_memory", ending.in_memory)
    monkeypatch.setattr(jvm, "time", SimpleNamespace(sleep=ending.sleep, monotonic=lambda: ending.now))
    jvm.wait_while_it_exits()
    assert ending.now == pytest.approx(waited, abs=0.05)
