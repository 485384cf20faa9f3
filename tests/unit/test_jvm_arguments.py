"""The arguments of the child's JVM: which win, and which must not meet."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_foreignthread.child.java.jvm_arguments import jvm_arguments
from pytest_foreignthread.model.settings import CRASH_FIFO, Jvm, Settings

JVM = Jvm(Path("/jdk/lib/server/libjvm.so"), "25", "JAVA_HOME")
SERIAL, FIRST_COMPILER = "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_TOOL_OPTIONS", raising=False)
    monkeypatch.delenv("_JAVA_OPTIONS", raising=False)


def arguments(*users: str, profile: str = "quick", folder: Path = Path("/scratch")) -> list[str]:
    settings = Settings("new", "new", 30.0, JVM, jvm_args=users, jvm_profile=profile)
    return jvm_arguments(settings, folder)


@pytest.mark.parametrize(
    ("users", "profile", "quick"),
    [
        ((), "quick", [SERIAL, FIRST_COMPILER]),
        ((), "server", []),
        (("-Xmx64m",), "quick", [SERIAL, FIRST_COMPILER]),
        (("-XX:+UseG1GC",), "quick", [FIRST_COMPILER]),
        (("-XX:-UseSerialGC",), "quick", [FIRST_COMPILER]),
        (("-XX:+UseZGC", "-ea"), "server", []),
        (("-XX:+UseGCOverheadLimit",), "quick", [SERIAL, FIRST_COMPILER]),
        (("-XX:+UseMaximumCompactionOnSystemGC",), "quick", [SERIAL, FIRST_COMPILER]),
        (("-XX:-UseG1GC",), "quick", [SERIAL, FIRST_COMPILER]),
        (("-XX:+UseZGC", "-XX:-UseZGC"), "quick", [SERIAL, FIRST_COMPILER]),
        (("-XX:-UseZGC", "-XX:+UseZGC"), "quick", [FIRST_COMPILER]),
        (("-XX:+AggressiveHeap",), "quick", [FIRST_COMPILER]),
    ],
)
def test_profiles(users: tuple[str, ...], profile: str, quick: list[str]) -> None:
    found = arguments(*users, profile=profile)
    assert [word for word in found if word in (SERIAL, FIRST_COMPILER)] == quick
    assert [word for word in found if word in users] == list(users)


@pytest.mark.parametrize("variable", ["JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS"])
def test_a_collector_of_the_environment(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "-ea -XX:+UseParallelGC")
    assert SERIAL not in arguments()
    assert FIRST_COMPILER in arguments()


@pytest.mark.parametrize(
    ("option", "text", "named"),
    [
        ("VMOptionsFile", "-ea\n-XX:+UseG1GC\n", True),
        ("VMOptionsFile", "-Da='b c' \"-XX:+UseParallelGC\"", True),
        ("VMOptionsFile", "-Da='-XX:+UseG1GC b'", False),
        ("VMOptionsFile", "-Da='b -XX:+UseG1GC", True),
        ("VMOptionsFile", "-XX:-UseG1GC -XX:+UseGCOverheadLimit", False),
        ("Flags", "+UseParallelGC", True),
        ("Flags", "# +UseParallelGC\nMaxHeapSize=64m", False),
    ],
)
@pytest.mark.parametrize("of_environment", [False, True])
def test_a_collector_of_a_file(
    option: str, text: str, named: bool, of_environment: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "options"
    file.write_text(text)
    word = f"-XX:{option}={file}"
    if of_environment:
        monkeypatch.setenv("JAVA_TOOL_OPTIONS", word)
    assert (SERIAL not in arguments(*([] if of_environment else [word]))) == named


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("none", "pipe", ".", "a\0b"):
        assert SERIAL in arguments(f"-XX:VMOptionsFile={tmp_path / name}")


def test_a_collector_that_only_the_launcher_of_java_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JDK_JAVA_OPTIONS", "-XX:+UseParallelGC")
    assert SERIAL in arguments()


def test_users_arguments_win_but_not_over_the_place_of_the_files() -> None:
    users = ("-XX:+UsePerfData", "-XX:TieredStopAtLevel=4", "-XX:ErrorFile=/elsewhere")
    found = arguments(*users)
    assert found.index("-XX:-UsePerfData") < found.index(FIRST_COMPILER) < found.index(users[0])
    assert found[-2:] == ["-XX:ErrorFile=/scratch/hs_err", "-XX:ReplayDataFile=/scratch/replay"]


@pytest.mark.parametrize(
    ("archive", "word"),
    [("/cache/a/classes.aot", "-XX:AOTCache="), ("/cache/a/classes.jsa", "-XX:SharedArchiveFile=")],
)
def test_an_archive_comes_before_the_users_arguments(archive: str, word: str) -> None:
    settings = Settings("new", "new", 30.0, JVM, jvm_args=("-ea",), jvm_cache=Path(archive))
    found = jvm_arguments(settings, Path("/scratch"))
    assert found.index(f"{word}{archive}") < found.index("-ea")
    assert not any("AOT" in one or "Shared" in one for one in arguments("-ea"))


def test_a_percent_sign_in_the_path_is_no_pid() -> None:
    assert "-XX:ErrorFile=/scratch/100%%/hs_err" in arguments(folder=Path("/scratch/100%"))


@pytest.mark.parametrize(("name", "held"), [("plain", True), ("a b'c", True), ("semi;colon", False)])
def test_a_crash_is_held_where_a_supervisor_listens(tmp_path: Path, name: str, held: bool) -> None:
    folder = tmp_path / name
    folder.mkdir()
    assert not any(word.startswith("-XX:OnError") for word in arguments(folder=folder))
    os.mkfifo(folder / CRASH_FIFO)
    assert any(word.startswith("-XX:OnError") for word in arguments(folder=folder)) == held


def test_what_the_checker_of_jni_says_goes_to_a_file(tmp_path: Path) -> None:
    found = arguments("-Xcheck:jni", "-XX:LogFile=/elsewhere", folder=tmp_path)
    assert found[-1] == f"-XX:LogFile={tmp_path}/jvm_output"
    assert {"-XX:+LogVMOutput", "-XX:-DisplayVMOutput"} <= set(found)
    assert (tmp_path / "jvm_output").read_bytes() == b""


@pytest.mark.parametrize("name", ["absent", "a%pb", "a%tb"])
def test_a_place_that_hotspot_cannot_write_its_log_to(name: str, tmp_path: Path) -> None:
    """HotSpot would leave the log in /tmp."""
    folder = tmp_path / name
    if name != "absent":
        folder.mkdir()
    assert not [word for word in arguments("-Xcheck:jni", folder=folder) if "LogFile" in word or "VMOutput" in word]


def test_no_log_without_the_checker(tmp_path: Path) -> None:
    assert not [word for word in arguments("-ea", folder=tmp_path) if "LogFile" in word]
    assert list(tmp_path.iterdir()) == []
