"""The cache of class archives without a JVM: what an archive depends on, where it lies, what is believed of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_foreignthread.jvm.archive import builder, entry, folder, key
from pytest_foreignthread.jvm.archive.entry import Archive, Failed
from pytest_foreignthread.jvm.archive.folder import CacheError, cache_folder, existing_folder
from pytest_foreignthread.jvm.archive.jvm_flags import JvmWords, jvm_words
from pytest_foreignthread.jvm.archive.kinds import kind_of
from pytest_foreignthread.jvm.archive.lock import locked, try_lock
from pytest_foreignthread.model.settings import Jvm

KEY: Final = "0123456789abcdef0123456789abcdef"


def name_of(number: int) -> str:
    return f"{number:032x}"


# Words

LEAVE_NO_ROOM: Final = [
    "-Xshare:off",
    "-Xshare:auto",
    "-XX:AOTCache=/a",
    "-XX:AOTMode=off",
    "-XX:SharedArchiveFile=/a",
    "-XX:ArchiveClassesAtExit=/a",
    "-XX:+AutoCreateSharedArchive",
    "-XX:-UseSharedSpaces",
    "-XX:DumpLoadedClassList=/a",
    "-XX:StartFlightRecording",
    "-agentlib:jdwp=transport=dt_socket",
    "-agentpath:/a",
    "-javaagent:/a.jar",
    "-Xrunjdwp",
    "-Xdebug",
    "--patch-module=java.base=/a",
    "--limit-modules=java.base",
    "--upgrade-module-path=/a",
    "-Xbootclasspath/a:/a",
    "-Djava.system.class.loader=X",
    "-Djava.class.path=/a",
    "@arguments",
    "-XX:Flags=/a",
    "-XX:VMOptionsFile=/a",
]
OF_NO_ACCOUNT: Final = [
    "-Dname=value",
    "-Xlog:gc*:file=gc.log",
    "-Xcheck:jni",
    "-verbose:gc",
    "-ea",
    "-ea:org.example...",
    "-esa",
    "-enableassertions",
    "-Xss2m",
    "-Xmx64m",
    "-Xms9g",
    "-Xmn512k",
    "-XX:OnError=true",
    "-XX:HeapDumpPath=/a",
    "-XX:+HeapDumpOnOutOfMemoryError",
    "-XX:+ExitOnOutOfMemoryError",
]
SIGNIFICANT: Final = [
    "-XX:+UseG1GC",
    "-XX:+UseSerialGC",
    "-XX:-UseCompressedOops",
    "-XX:ObjectAlignmentInBytes=16",
    "-Xmx32g",
    "-Xmx40000m",
    "-Xmx",
    "-Djava.awt.headless=true",
    "-Djdk.module.main=x",
    "--add-modules=java.sql",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--enable-native-access=ALL-UNNAMED",
    "-Xint",
    "-XX:+UnlockDiagnosticVMOptions",
]


@pytest.mark.parametrize("word", LEAVE_NO_ROOM)
def test_a_word_that_leaves_no_room(word: str) -> None:
    assert jvm_words(["-ea", word], {}).ruling_out == word


@pytest.mark.parametrize("name", ["JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS"])
def test_words_of_the_environment(name: str) -> None:
    words = jvm_words(["-ea"], {name: "-XX:+UseG1GC '-Dname=two words' -Xshare:off", "JDK_JAVA_OPTIONS": "-Xint"})
    assert words.variables == ((name, ("-XX:+UseG1GC", "-Dname=two words", "-Xshare:off")),)
    assert words.ruling_out == "-Xshare:off"
    assert words.significant == JvmWords((), ((name, ("-XX:+UseG1GC", "-Xshare:off")),))


def test_an_open_quote_in_the_environment() -> None:
    assert jvm_words([], {"_JAVA_OPTIONS": "-Dname='a -ea"}).variables == (("_JAVA_OPTIONS", ("-Dname='a", "-ea")),)


@pytest.mark.parametrize(
    ("word", "significant"),
    [*((word, False) for word in OF_NO_ACCOUNT), *((word, True) for word in SIGNIFICANT)],
)
def test_words_that_an_archive_depends_on(word: str, significant: bool) -> None:
    words = jvm_words([word], {})
    assert words.significant.arguments == ((word,) if significant else ())
    assert words.ruling_out is None


@pytest.mark.parametrize(
    ("version", "suffix"),
    [("1.8.0_402", None), ("11.0.2", ".jsa"), ("17", ".jsa"), ("24.0.1", ".jsa"), ("25", ".aot"), ("26-ea", ".aot")],
)
def test_the_kind_of_a_jdk(version: str, suffix: str | None) -> None:
    kind = kind_of(Jvm(Path("/jvm"), version, "a test"))
    assert (kind.suffix if kind else None) == suffix


def test_a_jdk_of_unknown_version_has_none() -> None:
    assert kind_of(Jvm(Path("/jvm"), None, "a test")) is None


# Key


@pytest.fixture
def some_jvm(tmp_path: Path) -> Jvm:
    library = tmp_path / "jdk" / "lib" / "server" / "libjvm.so"
    library.parent.mkdir(parents=True)
    library.write_bytes(b"a JVM")
    (tmp_path / "jdk" / "lib" / "modules").write_bytes(b"its classes")
    return Jvm(library, "25.0.1", "a test")


def key_of(some_jvm: Jvm, *words: str, profile: str = "quick") -> str:
    return key.key_of(key.key_parts(some_jvm, profile, jvm_words(words, {})))


def test_the_same_key_for_the_same_things(some_jvm: Jvm) -> None:
    assert key_of(some_jvm) == key_of(replace(some_jvm, source="another")) == key_of(some_jvm, *OF_NO_ACCOUNT)
    assert key_of(some_jvm).isalnum()


def rewrite(path: Path, content: bytes) -> None:
    """Leave another file of the same size and name, as an upgrade may."""
    before = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


def test_another_key_after_an_upgrade_of_the_jvm(some_jvm: Jvm) -> None:
    before = key_of(some_jvm)
    rewrite(some_jvm.library, b"b JVM")
    between = key_of(some_jvm)
    rewrite(some_jvm.library.parents[1] / "modules", b"my classes!")
    assert len({before, between, key_of(some_jvm), key_of(replace(some_jvm, version="25.0.2"))}) == 4


def test_another_key_after_an_upgrade_of_jpype(some_jvm: Jvm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "_jpype.py").write_bytes(b"")
    (tmp_path / "jpype").mkdir()
    (tmp_path / "jpype/__init__.py").write_bytes(b"")
    jar = tmp_path / "org.jpype.jar"
    jar.write_bytes(b"a jar")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("_jpype", "jpype"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    before = key_of(some_jvm)
    rewrite(jar, b"b jar")
    assert key_of(some_jvm) != before


def test_another_key_for_other_arguments(some_jvm: Jvm) -> None:
    keys = {key_of(some_jvm, word) for word in SIGNIFICANT}
    assert len(keys | {key_of(some_jvm), key_of(some_jvm, profile="server")}) == len(SIGNIFICANT) + 2


# Folder


def test_the_folder_is_the_users_own(tmp_path: Path) -> None:
    found = cache_folder({"XDG_CACHE_HOME": str(tmp_path / "xdg"), "HOME": "/nonexistent"})
    assert found == tmp_path / "xdg" / "pytest-foreignthread"
    assert (found.stat().st_mode & 0o777, found.parent.stat().st_mode & 0o777) == (0o700, 0o700)
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path / "xdg")}) == found


@pytest.mark.parametrize("xdg", [{}, {"XDG_CACHE_HOME": ""}, {"XDG_CACHE_HOME": "relative"}])
def test_the_folder_in_the_home(tmp_path: Path, xdg: dict[str, str]) -> None:
    assert cache_folder({"HOME": str(tmp_path), **xdg}) == tmp_path / ".cache" / "pytest-foreignthread"


def unsafe_link(base: Path) -> None:
    (base / "elsewhere").mkdir()
    (base / "pytest-foreignthread").symlink_to(base / "elsewhere")


def unsafe_mode(base: Path) -> None:
    (base / "pytest-foreignthread").mkdir()
    (base / "pytest-foreignthread").chmod(0o720)


def unsafe_file(base: Path) -> None:
    (base / "pytest-foreignthread").touch()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [(unsafe_link, "is no directory"), (unsafe_mode, "others may write"), (unsafe_file, "is no directory")],
)
def test_an_unsafe_folder(tmp_path: Path, spoil: Callable[[Path], None], reason: str) -> None:
    spoil(tmp_path)
    for found in (cache_folder, existing_folder):
        with pytest.raises(CacheError, match=reason):
            found({"XDG_CACHE_HOME": str(tmp_path)})


def test_a_folder_that_is_looked_for_is_not_made(tmp_path: Path) -> None:
    named = {"XDG_CACHE_HOME": str(tmp_path / "xdg")}
    assert existing_folder(named) is None
    assert not (tmp_path / "xdg").exists()
    made_here = cache_folder(named)
    assert existing_folder(named) == made_here


@pytest.mark.parametrize("home", ["/nonexistent", "relative"])
def test_no_home(home: str) -> None:
    with pytest.raises(CacheError):
        cache_folder({"HOME": home})


def test_a_home_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.chown(tmp_path, *((4321, -1) if os.getuid() == 0 else (-1, -1)))
    monkeypatch.setattr(os, "getuid", lambda: 1234)
    for found in (cache_folder, existing_folder):
        with pytest.raises(CacheError, match=f"{tmp_path} belongs to another user"):
            found({"XDG_CACHE_HOME": str(tmp_path)})


def made(root: Path, name: str = KEY, content: bytes = b"an archive") -> Path:
    """Make an entry, as a builder does."""
    new = root / f"{name}.new"
    new.mkdir()
    (new / "classes.jsa").write_bytes(content)
    entry.publish(new, new / "classes.jsa", {"made": "by a test"})
    return root / name


def test_clear_takes_entries_alone(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / "notes.txt").write_text("the user's")
    (tmp_path / f"{name_of(1)}.new").mkdir()
    size = sum(path.stat().st_size for path in (tmp_path / KEY).iterdir())
    assert folder.clear(tmp_path) == size
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_clear_leaves_a_builder_alone(tmp_path: Path) -> None:
    new = tmp_path / f"{KEY}.new"
    new.mkdir()
    with locked(new) as mine:
        assert mine
        assert folder.clear(tmp_path) == 0
        assert new.exists()


def test_prune(tmp_path: Path) -> None:
    now, day = time.time(), 86400
    for number in range(folder.MOST_ENTRIES + 2):
        os.utime(made(tmp_path, name_of(number)), (now, now - number * day))
    os.utime(tmp_path / name_of(0), (now, now - (folder.UNUSED_DAYS + 1) * day))
    (tmp_path / f"{name_of(99)}.new").mkdir()
    folder.prune(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        name_of(number) for number in range(1, folder.MOST_ENTRIES + 1)
    ]


def test_a_use_keeps_an_entry_young(tmp_path: Path) -> None:
    os.utime(made(tmp_path), (0, 0))
    folder.mark_used(tmp_path / KEY)
    folder.prune(tmp_path)
    assert (tmp_path / KEY).exists()


# Entry


def test_an_entry_is_believed_as_long_as_it_is_the_same_file(tmp_path: Path) -> None:
    found = entry.read(made(tmp_path))
    assert isinstance(found, Archive)
    assert found.path == tmp_path / KEY / "classes.jsa"
    assert found.is_there()
    rewrite(found.path, b"AN ARCHIVE")
    assert not found.is_there()
    found.path.unlink()
    assert not found.is_there()


def about(**changed: Any) -> Callable[[Path], None]:
    def change(made_entry: Path) -> None:
        path = made_entry / "about.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))

    return change


def raw(content: bytes, name: str = "about.json") -> Callable[[Path], Any]:
    return lambda made_entry: (made_entry / name).write_bytes(content)


BROKEN: Final[dict[str, Callable[[Path], Any]]] = {
    "no archive": lambda found: (found / "classes.jsa").unlink(),
    "no about": lambda found: (found / "about.json").unlink(),
    "flipped bit": raw(b"an archivf", "classes.jsa"),
    "truncated": raw(b"an arch", "classes.jsa"),
    "longer": raw(b"an archive.", "classes.jsa"),
    "empty": raw(b"", "classes.jsa"),
    "about is empty": raw(b""),
    "about is no JSON": raw(b"\xff\xfe{"),
    "about is a list": raw(b"[]"),
    "about lacks all": raw(b"{}"),
    "another checksum": about(sha256="0" * 64),
    "a checksum of another kind": about(sha256=None),
    "another file": about(file="/etc/passwd"),
    "a file of another kind": about(file=7),
    "a failure without its end": about(failed="it failed"),
    "a failure of another kind": about(failed="it failed", again="soon"),
    "an old failure": about(failed="it failed", again=1.0),
}


@pytest.mark.parametrize("spoil", BROKEN.values(), ids=BROKEN)
def test_a_broken_entry_is_none(tmp_path: Path, spoil: Callable[[Path], Any]) -> None:
    spoil(made(tmp_path))
    assert entry.read(tmp_path / KEY) is None


def test_no_entry(tmp_path: Path) -> None:
    assert entry.read(tmp_path / KEY) is None


def test_a_failure_is_kept_for_a_while(tmp_path: Path) -> None:
    entry.note_failure(tmp_path / KEY, "it failed", 600.0)
    assert entry.read(tmp_path / KEY) == Failed("it failed")
    assert [path.name for path in tmp_path.iterdir()] == [KEY]


def test_no_failure_is_noted_where_it_is_being_made(tmp_path: Path) -> None:
    (tmp_path / f"{KEY}.new").mkdir()
    entry.note_failure(tmp_path / KEY, "it failed", 600.0)
    assert entry.read(tmp_path / KEY) is None


# Lock


def test_one_lock_at_a_time(tmp_path: Path) -> None:
    first = try_lock(tmp_path)
    assert first is not None
    assert try_lock(tmp_path) is None
    os.close(first)
    with locked(tmp_path) as mine:
        assert mine


def test_a_lock_of_what_has_been_moved_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    real = os.open

    def moved_meanwhile(path: Path, flags: int) -> int:
        found = real(path, flags)
        path.rename(tmp_path / "b")
        return found

    monkeypatch.setattr(os, "open", moved_meanwhile)
    assert try_lock(tmp_path / "a") is None


# Builder


def start(root: Path, some_jvm: Jvm, *words: str) -> builder.Builder | None:
    chosen = jvm_words(words, {})
    return builder.start(root, KEY, some_jvm, "quick", chosen, key.key_parts(some_jvm, "quick", chosen))


ENDLESS: Final = 300.0


def test_a_builder_that_fails_leaves_the_reason(tmp_path: Path, some_jvm: Jvm) -> None:
    """The JVM is a text file here."""
    working = start(tmp_path, some_jvm)
    assert working is not None
    assert working.has_ended(ENDLESS)
    working.end()
    assert entry.read(tmp_path / KEY) == Failed("step record ended with status 1")
    assert "a JVM" not in (log := (tmp_path / KEY / "log").read_text())
    assert "JvmStartError" in log


def test_a_second_builder_is_not_started(tmp_path: Path, some_jvm: Jvm) -> None:
    (tmp_path / f"{KEY}.new").mkdir()
    with locked(tmp_path / f"{KEY}.new") as mine:
        assert mine
        assert start(tmp_path, some_jvm) is None


def test_no_builder_where_another_has_just_ended(tmp_path: Path, some_jvm: Jvm) -> None:
    made(tmp_path)
    assert start(tmp_path, some_jvm) is None
    assert [path.name for path in tmp_path.glob("0*")] == [KEY]


def test_a_builder_is_no_child_and_ends_when_asked(tmp_path: Path, some_jvm: Jvm) -> None:
    working = start(tmp_path, some_jvm)
    assert working is not None
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    working.end()
    working.end()
    assert working.has_ended()
    assert not (tmp_path / f"{KEY}.new").exists()


def test_what_a_builder_has_done_can_be_cleared_by_another_run(tmp_path: Path) -> None:
    new = tmp_path / f"{KEY}.new"
    new.mkdir()
    with locked(new):
        new.rename(tmp_path / KEY)
        folder.clear(tmp_path)
    assert not (tmp_path / KEY).exists()


def test_a_forked_child_leaves_the_builder_alone(tmp_path: Path, some_jvm: Jvm) -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, start_new_session=True) as cat:
        lock, (owner, owner_end), (done, done_end) = os.open(tmp_path, os.O_RDONLY), os.pipe(), os.pipe()
        working = builder.Builder(cat.pid, tmp_path, lock, owner_end, done)
        if (pid := os.fork()) == 0:
            working.end()
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        assert tmp_path.exists()
        for descriptor in (lock, owner, owner_end, done, done_end):
            os.close(descriptor)
    assert cat.returncode == 0


def test_the_builders_environment() -> None:
    around = {
        "PATH": "/bin",
        "PYTHONWARNINGS": "error",
        "COV_CORE_SOURCE": ".",
        "COVERAGE_PROCESS_START": "x",
        "CLASSPATH": "classes",
        "JAVA_TOOL_OPTIONS": "-Dname=x '-XX:OnError=a b' -XX:+UseG1GC",
        "_JAVA_OPTIONS": "-ea",
    }
    found = builder._environment(around, jvm_words([], around).significant)
    assert {name: found[name] for name in found if name != "PYTHONPATH"} == {
        "PATH": "/bin",
        "JAVA_TOOL_OPTIONS": "-XX:+UseG1GC",
    }
    ask = "import sys; print(sys.path)"
    done = subprocess.run([sys.executable, "-c", ask], env=found, capture_output=True, text=True, check=True)
    assert next(path for path in sys.path if path) in done.stdout


@pytest.mark.parametrize("leaves", [True, False], ids=["a child that leaves it", "this process"])
def test_a_child_keeps_neither_the_lock_nor_a_pipe_of_the_builder(tmp_path: Path, leaves: bool) -> None:
    """A child may outlive the builder: the lock would be held, and the builder not end, for as long."""
    (new := tmp_path / "new").mkdir()
    lock = try_lock(new)
    assert lock is not None
    (owner_end, owner), (done, done_end) = os.pipe(), os.pipe()
    ended = os.fork()
    if ended == 0:
        os._exit(0)
    os.waitpid(ended, 0)
    working = builder.Builder(ended, new, lock, owner, done)
    descriptors = (lock, owner, done)
    if leaves:
        child = os.fork()
        if child == 0:
            working.leave_to_parent()
            working.end()
            os._exit(sum(os.path.exists(f"/proc/self/fd/{one}") for one in descriptors))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    else:
        working.leave_to_parent()
    assert all(os.path.exists(f"/proc/self/fd/{one}") for one in descriptors)
    os.close(done_end)
    working.end()
    os.close(owner_end)
    assert not new.exists()
