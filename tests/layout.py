"""The package's modules as their source tells them: rooms, imports, functions."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PACKAGE: Final = "pytest_foreignthread"
ROOT: Final = Path(__file__).parents[1]

# The rooms, top to bottom: imports point down this list, or stay in a room. A room's `__init__` says the same in words.
ROOMS: Final = (
    *("terminal", "doctor", "run", "report", "collect", "jvm", "child", "interop", "supervise"),
    *("config", "matrix", "diagnosis", "evidence", "channel", "stress", "model"),
)
AT_ROOT: Final = frozenset({"__init__", "plugin", "fixtures", "hookspecs", "decorator"})


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
        """The room that is imported, or the module at the root; None for another package's."""
        package, _, rest = self.target.partition(".")
        return (rest.partition(".")[0] or "__init__") if package == PACKAGE else None


def room_of(module: str) -> str:
    """Return the room of a module; the module's own name where it stands at the root."""
    return module.partition(".")[0]


def floor_of(room: str) -> int:
    """Return the room's place in ROOMS; the root stands above all."""
    return ROOMS.index(room) if room in ROOMS else -1


@functools.cache
def sources() -> dict[str, ast.Module]:
    """Return the package's modules by their dotted paths below the package; read once, and not to be changed."""
    return {
        ".".join(path.relative_to(ROOT / PACKAGE).with_suffix("").parts): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / PACKAGE).rglob("*.py"))
    }


@functools.cache
def imports() -> tuple[Import, ...]:
    """Return all imports of the package's modules."""
    return tuple(found for module, tree in sources().items() for found in imports_of(module, tree))


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


def imported_modules(*, at_import: bool = False) -> Iterator[tuple[str, set[str]]]:
    """Yield each module and the modules of the package that it imports.

    With `at_import` those that are imported with it; else also for types, and by functions.
    """
    for module in sources():
        own = [found for found in imports() if found.module == module and (found.at_import or not at_import)]
        yield module, {inner for found in own if (inner := inner_module(found.target)) and inner != module}


def inner_module(target: str) -> str | None:
    """Return the module of the package that a dotted name leads to; None for the package itself and for others."""
    parts = target.split(".")[1:] if target.startswith(f"{PACKAGE}.") else []
    for end in range(len(parts), 0, -1):
        name = ".".join(parts[:end])
        if name in sources() or f"{name}.__init__" in sources():
            return name if name in sources() else f"{name}.__init__"
    return None
