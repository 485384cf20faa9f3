"""Options: what each takes and refuses, who wins where several say something, where relative paths count from."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import GenericAlias, SimpleNamespace
from typing import Any, Final, cast, get_origin, get_type_hints

import pytest

from pytest_foreignthread.collect.markers import Marked, read_markers
from pytest_foreignthread.collect.own_modes import OWN_MODES
from pytest_foreignthread.config import options
from pytest_foreignthread.config.chosen_options import Options
from pytest_foreignthread.config.option_table import OPTIONS, Option
from pytest_foreignthread.config.option_values import MOST_SHOWN
from pytest_foreignthread.config.settings_of_test import settings_for
from pytest_foreignthread.model.choices import MODES
from pytest_foreignthread.model.outcomes import Outcome
from pytest_foreignthread.model.settings import Jvm, Settings
from pytest_foreignthread.model.stress_choice import Amount, Seed

CALLED_FROM: Final = Path("/called/from")
ROOT: Final = Path("/home/user/project")
JVM: Final = Jvm(Path("/jdk/lib/server/libjvm.so"), "25", "a test")
SECONDS: Final = "expected a positive number of seconds, such as 30 or 0.5"
STRINGS: Final = "expected a string or a list of strings, such as ['-Xmx256m', '-ea']"
A_MODE: Final = f"expected one of {', '.join(map(repr, MODES))}, or a list of them"
PATHS: Final = "expected paths, joined by ':' or in a list"


@dataclass(frozen=True)
class Config:
    """As much of pytest's as options are read from: a real one takes a hundred times as long to make."""

    flags: Mapping[str, str] = field(default_factory=dict)
    ini: Mapping[str, object] = field(default_factory=dict)
    absent: object = None
    """What a key that is not in the ini file reads as."""
    invocation_params: Any = field(default_factory=lambda: SimpleNamespace(dir=CALLED_FROM))
    rootpath: Path = ROOT
    stash: Mapping[object, Any] = field(default_factory=dict)

    def getoption(self, flag: str) -> object:
        given = self.flags.get(flag)
        return [given] if given is not None and flag == "--foreign-thread-report" else given

    def getini(self, key: str) -> object:
        return self.ini.get(key, self.absent)


def configured(flags: Mapping[str, str] | None = None, ini: Mapping[str, object] | None = None) -> Options:
    return options.configured(cast(pytest.Config, Config(flags or {}, ini or {})))


@dataclass(frozen=True)
class Node:
    nodeid: str
    marks: tuple[pytest.MarkDecorator, ...] = ()
    parent: Node | None = None
    originalname: str | None = None
    config: Config = field(default_factory=Config)

    def iter_markers_with_node(self, name: str) -> Iterator[tuple[Node, pytest.Mark]]:
        yield from ((self, one.mark) for one in self.marks if one.name == name)
        if self.parent is not None:
            yield from self.parent.iter_markers_with_node(name)


def marked(**arguments: object) -> Marked:
    return read_markers(Node("test_it.py::test_it", (pytest.mark.foreign_thread(**arguments),)))


def settings(marks: Marked, values: Options) -> Settings:
    return settings_for(marks.values, "new", "new", values, JVM)


GOOD: Final[list[tuple[str, str, object]]] = [
    ("timeout", "30", 30.0),
    ("timeout", "0.5", 0.5),
    ("timeout", " 1e3 ", 1000.0),
    ("jvm_args", "-Xmx64m -ea", ("-Xmx64m", "-ea")),
    ("jvm_args", "-Dname='two words' -Dempty=", ("-Dname=two words", "-Dempty=")),
    ("classpath", os.pathsep.join(["/a.jar", "/b"]), ("/a.jar", "/b")),
    ("classpath", f"/a.jar{os.pathsep}", ("/a.jar",)),
    ("jvm", "/opt/jdk", "/opt/jdk"),
    ("modes", "new", ("new",)),
    ("modes", " main, new\npool ", ("main", "new", "pool")),
    *(("native", word, word) for word in ("auto", "off", "locals")),
    *(("jvm_profile", word, word) for word in ("quick", "server")),
    *(("isolation", word, word) for word in ("test", "module", "session", "auto")),
    *(("ready", text, int(text)) for text in ("0", "2", "16")),
    *(("message_limit", text, int(text)) for text in ("65536", "67108864")),
    *(("live", word, word) for word in ("auto", "off")),
    *(("stack", text, 131072) for text in ("128k", "131072", " 128K ", "128kb")),
    *(("stack", text, size) for text, size in (("64k", 65536), ("8m", 8 << 20), ("1g", 1 << 30))),
    *(("finalize", text, True) for text in ("true", "on", "1")),
    *(("check", name, (name,)) for name in ("jni", "malloc", "dev")),
    ("check", "none", ()),
    *(("check", text, ("jni", "dev")) for text in ("jni,dev", "dev, jni", " dev\njni ", "dev ,\n jni", "\tdev\n\njni")),
    *(("block_signals", text, True) for text in ("true", "on", "1")),
    *(("cache", text, True) for text in ("true", "True", "on", "yes", "1")),
    *(("cache", text, False) for text in ("false", "FALSE", "off", "no", "0")),
]


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_good_value(name: str, text: str, value: object) -> None:
    assert getattr(configured(flags={flag(name): text}), name) == value
    assert getattr(configured(ini={ini_key(name): text}), name) == value


A_STACK: Final = "expected a size from 64k to 1g, such as 128k, 8m or 131072"
LEAST_BYTES: Final = "expected a number of bytes, 65536 or more, such as 67108864"
LOOP: Final = "{}/loop.json cannot be reached (Too many levels of symbolic links); name another place"
A_NUMBER: Final = "expected a whole number from 0 to 64, such as 0 or 2"
NO_TIMES: Final = ("0", "-1", "-0.0", "nan", "inf", "-inf", "abc", "True", "None", "5s", "1e999")
COMMAS: Final = (",", ",,", " , ", "jni,,dev", "jni,", ",jni", "jni, ,dev", "jni,\n", "jni,dev,,")
BAD: Final[list[tuple[str, str, str]]] = [
    *(("timeout", text, SECONDS) for text in NO_TIMES),
    *(("native", text, "expected one of 'auto', 'off', 'locals'") for text in ("on", "Auto", "locals,auto", "0")),
    *(("jvm_profile", text, "expected one of 'quick', 'server'") for text in ("fast", "Quick", "-server")),
    *(("cache", text, "expected true or false") for text in ("2", "maybe", "/tmp", "None")),
    *(("modes", text, f"expected some of {', '.join(MODES)}, joined by commas") for text in ("news", "new;pool")),
    *(
        (
            "modes",
            text.replace("jni", "main").replace("dev", "new"),
            f"expected some of {', '.join(MODES)}, joined by commas",
        )
        for text in COMMAS
    ),
    ("modes", "new,new", "expected each mode once"),
    ("jvm_args", '-Dname="two words', "expected shell words (No closing quotation)"),
    ("jvm_args", "-Dname=\\", "expected shell words (No escaped character)"),
    *(("ready", text, A_NUMBER) for text in ("-1", "two", "1.5", "auto", "inf", "nan", "٣", "65", "9" * 5000)),
    *(("message_limit", text, LEAST_BYTES) for text in ("0", "65535", "-1", "64M", "1e9", "nan", "٦٥٥٣٦", "9" * 5000)),
    *(
        ("stack", text, A_STACK)
        for text in ("63k", "2g", "0", "-1m", "1.5m", "128 k", "big", "True", "128kk", "9" * 30)
    ),
    *(
        ("check", text, "expected one or more of jni, malloc, dev, or none")
        for text in (*COMMAS, "JNI", "jni;dev", "jni,valgrind", "all", "none,jni", "-Xcheck:jni")
    ),
    *(("check", text, "expected each checker once") for text in ("jni,jni", "jni,dev,jni", "dev dev")),
    *(("block_signals", text, "expected true or false") for text in ("all", "2", "SIGINT")),
    *(("finalize", text, "expected true or false") for text in ("5", "exit")),
    *(
        ("isolation", text, "expected one of 'test', 'module', 'session', 'auto'")
        for text in ("tests", "class", "MODULE")
    ),
]


@pytest.mark.parametrize(("name", "text", "wanted"), BAD)
def test_bad_value(name: str, text: str, wanted: str) -> None:
    with pytest.raises(pytest.UsageError) as raised:
        configured(flags={flag(name): text})
    got = repr(text) if len(text) < MOST_SHOWN else f"{repr(text)[:MOST_SHOWN]}…"
    assert str(raised.value) == f"{flag(name)}: {wanted}, got {got}"
    with pytest.raises(pytest.UsageError) as raised:
        configured(ini={ini_key(name): text})
    assert str(raised.value) == f"ini key {ini_key(name)}: {wanted}, got {got}"


@pytest.mark.parametrize("name", ["timeout", "jvm", "native", "jvm_profile", "cache", "artifacts", "report"])
def test_nothing_on_the_command_line_is_no_value(name: str) -> None:
    with pytest.raises(pytest.UsageError, match=f"^{flag(name)}: expected .*, got ''$"):
        configured(flags={flag(name): ""})


@pytest.mark.parametrize("absent", [None, ""])
def test_defaults(absent: object) -> None:
    nothing = options.configured(cast(pytest.Config, Config(absent=absent)))
    assert asdict(nothing) == {
        "timeout": 30.0,
        "jvm": None,
        "jvm_args": (),
        "classpath": (),
        "isolation": None,
        "bisect": 3,
        "check": (),
        "stress": None,
        "stress_seed": None,
        "stress_threads": 1,
        "stress_shrink": 10.0,
        "stress_stop": False,
        "stack": None,
        "block_signals": False,
        "finalize": False,
        "start": None,
        "ready": None,
        "message_limit": 64 * 1024 * 1024,
        "native": "auto",
        "jvm_profile": "quick",
        "faulthandler": "apart",
        "live": "auto",
        "end_process": False,
        "cache": True,
        "forked": True,
        "cache_clear": False,
        "matrix": False,
        "modes": ("main", "same", "new", "pool"),
        "all": False,
        "baseline": None,
        "update_baseline": False,
        "doctor": None,
        "explain": None,
        "artifacts": None,
        "report": (),
    }


def test_the_values_have_an_attribute_for_each_option_and_no_other() -> None:
    assert sorted(one.name for one in fields(Options)) == sorted(option.name for option in OPTIONS)


def type_of_value(option: Option) -> object:
    """Return what the option's parser and its default make of it."""
    parsed: Any = get_type_hints(option.parse, localns={"Amount": Amount, "Seed": Seed})["return"]
    if option.action == "append":
        return GenericAlias(tuple, (parsed, ...))
    return parsed | None if option.default is None else parsed


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_an_attribute_has_the_type_of_its_option(option: Option) -> None:
    hint: Any = get_type_hints(Options)[option.name]
    assert hint == type_of_value(option)
    assert option.default is None or isinstance(option.default, get_origin(hint) or hint)


def test_class_path_over_several_lines_of_an_ini_file() -> None:
    written = f"\n/a.jar\n/b.jar{os.pathsep}/c.jar"
    assert configured(ini={ini_key("classpath"): written}).classpath == ("/a.jar", "/b.jar", "/c.jar")


# What stands in the marker, on the command line, in the ini file; and what each means.
WRITTEN: Final[dict[str, tuple[object, str, str]]] = {
    "timeout": (1.5, "2.5", "3.5"),
    "jvm_args": (["-Dm"], "-Dc", "-Di"),
    "classpath": (["/m.jar"], "/c.jar", "/i.jar"),
    "isolation": ("module", "session", "test"),
}
MEANT: Final[dict[str, tuple[object, object, object]]] = {
    "timeout": (1.5, 2.5, 3.5),
    "jvm_args": (("-Dm",), ("-Dc",), ("-Di",)),
    "classpath": (("/m.jar",), ("/c.jar",), ("/i.jar",)),
    "isolation": ("module", "session", "test"),
}
DEFAULTS: Final = {option.name: option.default for option in OPTIONS} | {"isolation": "test"}


@pytest.mark.parametrize("in_ini", [False, True])
@pytest.mark.parametrize("in_command", [False, True])
@pytest.mark.parametrize("in_marker", [False, True])
@pytest.mark.parametrize("name", WRITTEN)
def test_precedence(name: str, in_marker: bool, in_command: bool, in_ini: bool) -> None:
    marker, command, ini = WRITTEN[name]
    marks = marked(**{name: marker} if in_marker else {})
    values = configured({flag(name): command} if in_command else {}, {ini_key(name): ini} if in_ini else {})
    present = (in_marker, in_command, in_ini)
    expected = next((value for value, there in zip(MEANT[name], present, strict=True) if there), DEFAULTS[name])
    assert getattr(settings(marks, values), name) == expected


@pytest.mark.parametrize(
    ("flags", "ini", "path", "source"),
    [
        ({"--foreign-thread-jvm": "/c"}, {"foreign_thread_jvm": "/i"}, "/c", "--foreign-thread-jvm"),
        ({"--foreign-thread-jvm": "/c"}, {}, "/c", "--foreign-thread-jvm"),
        ({}, {"foreign_thread_jvm": "/i"}, "/i", "foreign_thread_jvm"),
    ],
)
def test_precedence_of_the_jvm(flags: dict[str, str], ini: dict[str, object], path: str, source: str) -> None:
    assert configured(flags, ini).jvm == path
    assert options.source_of(cast(pytest.Config, Config(flags, ini)), "jvm") == source


@pytest.mark.parametrize(
    ("flags", "ini", "choice"),
    [
        ({}, {}, "auto"),
        ({}, {"foreign_thread_native": "off"}, "off"),
        ({"--foreign-thread-native": "locals"}, {"foreign_thread_native": "off"}, "locals"),
    ],
)
def test_native_stacks_are_a_setting(flags: dict[str, str], ini: dict[str, object], choice: str) -> None:
    assert settings(marked(), configured(flags, ini)).native == choice


@pytest.mark.parametrize(("name", "own"), [("timeout", False), ("jvm_args", True), ("classpath", True)])
def test_whether_the_jvm_is_the_markers_own(name: str, own: bool) -> None:
    assert settings(marked(**{name: WRITTEN[name][0]}), configured()).own_jvm_args is own
    assert not settings(marked(), configured({flag(name): WRITTEN[name][1]})).own_jvm_args


def test_no_arguments_in_a_marker_replace_those_of_the_option() -> None:
    assert settings(marked(jvm_args=[]), configured({flag("jvm_args"): "-Dc"})).jvm_args == ()


def test_the_closest_marker_wins_argument_by_argument() -> None:
    mark = pytest.mark.foreign_thread
    module = Node("test_it.py", (mark(timeout=1, mode="pool", jvm_args="-Dmodule", classpath="/module.jar"),))
    class_ = Node("test_it.py::Test", (mark(timeout=2, mode="same"),), module)
    marks = read_markers(Node("test_it.py::Test::test_it", (mark(timeout=3),), class_))
    chosen = settings(marks, configured())
    assert (chosen.timeout, marks.modes) == (3.0, ("same",))
    assert (chosen.jvm_args, chosen.classpath) == (("-Dmodule",), ("/module.jar",))


@pytest.mark.parametrize(
    ("value", "modes"),
    [("pool", ("pool",)), (["new"], ("new",)), (("same", "main"), ("same", "main"))],
)
def test_good_mode(value: object, modes: tuple[str, ...]) -> None:
    assert marked(mode=value) == Marked({"mode": modes}, ())


def test_what_is_known_and_why_a_test_is_left_out() -> None:
    marks = marked(expect={"new": "segfault", "pool": "hang/passed"}, skip="no threads in it")
    assert marks.problems == ()
    assert marks.expect == {
        "new": frozenset({Outcome.SEGFAULT}),
        "pool": frozenset({Outcome.HANG, Outcome.PASSED}),
    }
    assert (marks.skip, marked().skip, marked().expect) == ("no threads in it", None, {})


def test_a_mode_of_the_projects_own_is_one_like_others() -> None:
    own = Config(stash={OWN_MODES: {"vertx": print}})
    mark = pytest.mark.foreign_thread(mode=["vertx", "new"], expect={"vertx": "hang"})
    marks = read_markers(Node("test_it.py::test_it", (mark,), config=own))
    assert (marks.problems, marks.modes) == ((), ("vertx", "new"))
    given = cast(pytest.Config, Config({flag("modes"): "main,vertx"}))
    assert options.configured(given, (*MODES, "vertx")).modes == ("main", "vertx")


def test_new_is_the_default_mode() -> None:
    assert marked().modes == ("new",)


EXPECTED: Final = "expected modes and outcomes, such as {'new': 'segfault', 'pool': 'hang/passed'}"
OUTCOMES: Final = ", ".join(outcome.value for outcome in Outcome)
BAD_ARGUMENTS: Final[list[tuple[str, object, str]]] = [
    *(("timeout", value, SECONDS) for value in (0, -1, True, None, "abc", float("nan"), float("inf"), [1])),
    *(("jvm_args", value, STRINGS) for value in (None, [1], 7, {"a": 1}, b"-ea")),
    ("jvm_args", '"', "expected shell words (No closing quotation)"),
    *(("classpath", value, PATHS) for value in (None, [3], 3, b"x")),
    *(("mode", value, A_MODE) for value in ("sam", "NEW", "", [], None, 7, ["new", 7], [["new"]], {"new": 1})),
    ("mode", ["new", "same", "new"], "expected each mode once"),
    *(
        ("isolation", value, "expected one of 'test', 'module', 'session', 'auto'")
        for value in (None, "class", ["module"], 1)
    ),
    *(("stack", value, A_STACK) for value in (None, 0, -1, True, 1.5e5, 1 << 31, [131072], "")),
    *(("block_signals", value, "expected true or false") for value in (None, 2, "SIGINT", "all")),
    *(("skip", value, "expected a reason, as a string") for value in ("", " ", True, None, 3)),
    *(("expect", value, EXPECTED) for value in (None, {}, "segfault", ["new"], {"new": Outcome.HANG})),
    ("expect", {"sam": "hang"}, f"no mode: 'sam': expected one of {', '.join(map(repr, MODES))}"),
    ("expect", {"new": "boom"}, f"no outcome: 'boom': expected one of {OUTCOMES}, or several with `/` between"),
]


@pytest.mark.parametrize(("name", "value", "wanted"), BAD_ARGUMENTS)
def test_bad_value_in_a_marker(name: str, value: object, wanted: str) -> None:
    marks = marked(**{name: value})
    assert marks.problems == (("test_it.py::test_it", f"foreign_thread({name}={value!r}): {wanted}, got {value!r}"),)
    assert marks.values == {}


def test_a_timeout_that_no_float_holds() -> None:
    ((_, problem),) = marked(timeout=10**999).problems
    assert f": {SECONDS}, got 1000" in problem


def test_unknown_and_positional_arguments_of_a_marker() -> None:
    mark = pytest.mark.foreign_thread("new", 5, timeuot=1, modes="new", timeout=0, mode="same")
    marks = read_markers(Node("test_it.py::test_it", (mark,)))
    takes = (
        "mode, timeout, jvm_args, classpath, isolation, stack, block_signals, finalize, check, stress, stress_threads, "
        "skip, expect"
    )
    assert [problem for _, problem in marks.problems] == [
        f"foreign_thread('new', 5): it takes keyword arguments only: {takes}",
        f"foreign_thread(timeuot=1): no such argument; it takes {takes}",
        f"foreign_thread(modes='new'): no such argument; it takes {takes}",
        f"foreign_thread(timeout=0): {SECONDS}, got 0",
    ]
    assert marks.values == {"mode": ("same",)}


def test_a_problem_is_placed_where_its_marker_stands() -> None:
    bad = pytest.mark.foreign_thread(timeout=0)
    module = Node("test_it.py", (bad,))
    function = Node("test_it.py::test_it[1]", (bad,), module, originalname="test_it")
    assert [place for place, _ in read_markers(function).problems] == ["test_it.py::test_it", "test_it.py"]


@pytest.mark.parametrize("name", ["jvm", "classpath", "artifacts", "report"])
def test_a_path_on_the_command_line_counts_from_where_pytest_was_called(name: str) -> None:
    assert only(getattr(configured({flag(name): "some.json"}), name)) == str(CALLED_FROM / "some.json")


@pytest.mark.parametrize("name", ["jvm", "classpath"])
def test_a_path_in_the_ini_file_counts_from_rootdir(name: str) -> None:
    assert only(getattr(configured(ini={ini_key(name): "some.jar"}), name)) == str(ROOT / "some.jar")


@pytest.mark.parametrize("value", [["a.jar", "/b.jar"], "a.jar:/b.jar", [Path("a.jar"), Path("/b.jar")]])
def test_a_class_path_in_a_marker_counts_from_rootdir(value: object) -> None:
    assert settings(marked(classpath=value), configured()).classpath == (str(ROOT / "a.jar"), "/b.jar")


def test_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert configured({flag("jvm"): "~/jdk"}).jvm == "/home/somebody/jdk"
    assert configured(ini={ini_key("classpath"): "~/a.jar:b.jar"}).classpath[0] == "/home/somebody/a.jar"


@pytest.mark.parametrize(
    ("name", "path", "wanted"),
    [
        ("report", "report.txt", "expected a file name that ends in .json, .html or .md, got '{}/report.txt'"),
        ("report", ".html", "expected a file name that ends in .json, .html or .md, got '{}/.html'"),
        ("report", "folder.json", "expected the name of a file, got the directory {}/folder.json"),
        ("baseline", "folder.json", "expected the name of a file, got the directory {}/folder.json"),
        (
            "report",
            "loop.json",
            LOOP,
        ),
        (
            "baseline",
            "loop.json",
            LOOP,
        ),
        (
            "artifacts",
            "loop.json",
            LOOP,
        ),
        ("report", "file/report.json", "expected a directory, got the file {}/file; name another place"),
        ("report", "file/more/report.json", "expected a directory, got the file {}/file; name another place"),
        ("artifacts", "file", "expected a directory, got the file {}/file; name another place"),
        ("artifacts", "file/more", "expected a directory, got the file {}/file; name another place"),
    ],
)
def test_a_place_where_nothing_can_be_written(tmp_path: Path, name: str, path: str, wanted: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "loop.json").symlink_to("loop.json")
    with pytest.raises(pytest.UsageError) as raised:
        configured({flag(name): str(tmp_path / path)})
    assert str(raised.value) == f"{flag(name)}: {wanted.format(tmp_path)}"


@pytest.mark.parametrize(("name", "path"), [("report", "new/report.json"), ("artifacts", "new/more")])
def test_a_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, path: str) -> None:
    def refused(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    # root may write anywhere, and tests run as root too.
    monkeypatch.setattr(tempfile, "TemporaryFile", refused)
    with pytest.raises(pytest.UsageError) as raised:
        configured({flag(name): str(tmp_path / path)})
    assert str(raised.value) == f"{flag(name)}: cannot write to {tmp_path} (Permission denied); name another place"


@pytest.mark.parametrize(("name", "path"), [("report", "report.json"), ("artifacts", "more")])
def test_a_place_that_takes_no_files_even_from_root(name: str, path: str) -> None:
    with pytest.raises(pytest.UsageError, match=rf"^{flag(name)}: cannot write to /proc \(.+\); name another place$"):
        configured({flag(name): f"/proc/{path}"})


@pytest.mark.parametrize("name", ["report", "artifacts", "baseline"])
def test_a_path_that_is_too_long(tmp_path: Path, name: str) -> None:
    with pytest.raises(pytest.UsageError, match=f"^{flag(name)}: .*… cannot be reached .File name too long.; name"):
        configured({flag(name): str(tmp_path / f"{'n' * 300}.json")})


def test_a_baseline_that_is_only_read_may_lie_where_nothing_can_be_written() -> None:
    assert configured({flag("baseline"): "/proc/version"}).baseline == "/proc/version"


@pytest.mark.parametrize(("name", "path"), [("report", "new/more/report.json"), ("artifacts", "new/more")])
def test_a_folder_that_is_not_there_yet_is_not_made_at_start_up(tmp_path: Path, name: str, path: str) -> None:
    assert only(getattr(configured({flag(name): str(tmp_path / path)}), name)) == str(tmp_path / path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", ['"2.5"', "2.5", '"\\t2.5"'])
def test_a_number_in_pyproject(pytester: pytest.Pytester, value: str) -> None:
    pytester.makepyprojecttoml(f"[tool.pytest.ini_options]\nforeign_thread_timeout = {value}\n")
    assert options.configured(pytester.parseconfigure()).timeout == 2.5


def test_override_ini_counts_as_ini(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nforeign_thread_timeout = 3\nforeign_thread_jvm_args = -ea\n")
    values = options.configured(pytester.parseconfigure("-o", "foreign_thread_timeout=4"))
    assert (values.timeout, values.jvm_args) == (4.0, ("-ea",))


@pytest.mark.skipif(pytest.version_tuple < (9, 0), reason="pytest 9 brought pytest.toml")
def test_a_number_where_pytest_wants_text(pytester: pytest.Pytester) -> None:
    (pytester.path / "pytest.toml").write_text("[pytest]\nforeign_thread_timeout = 4\n", encoding="utf-8")
    with pytest.raises(pytest.UsageError, match=r"foreign_thread_timeout.*string"):
        pytester.parseconfigure()


DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "reference" / "options.md"


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_the_document_has_a_row_for_each_option(option: Option) -> None:
    shown = f"`{option.flag}={option.metavar}`" if option.metavar else f"`{option.flag}`"
    rows = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {shown} ")]
    (cells,) = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert cells[1] == (f"`{option.ini}`" if option.in_ini else "")
    assert cells[2] == (f"`{option.name}`" if option.in_marker else "")


def flag(name: str) -> str:
    return f"--foreign-thread-{name.replace('_', '-')}"


def ini_key(name: str) -> str:
    return f"foreign_thread_{name}"


def only(value: Any) -> str:
    return value if isinstance(value, str) else "".join(value)
