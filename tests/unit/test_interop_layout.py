"""Only `interop/` touches private and fragile parts of other projects, read from the package's source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Final

import pytest

from tests.layout import room_of, sources

PUBLIC: Final = frozenset({"os._exit", "sys._xoptions", "sys._current_frames"})
"""Documented names of the standard library; `_asdict` and `_replace` of a named tuple are others."""
LOOKUPS: Final = frozenset({"getplugin", "get_plugin", "hasplugin", "has_plugin", "get_plugins"})
FRAGILE: Final = frozenset(
    [
        *("known_args_namespace", "callspec", "fixturenames", "getfixturedefs", "cached_result"),
        *("suspend_global_capture", "resume_global_capture", "is_globally_capturing", "item_capture"),
        *("build_summary_stats_line", "hasopt", "print_failure", "log_file_handler"),
        *("workerinput", "workeroutput", "WorkerInteractor", "AllureListener", "JSONReport", "JSONReportWorker"),
    ]
)
"""Undocumented names without an underscore."""
INNER_TEXT: Final = re.compile(r"(?<!\w)(_pytest|_jpype|_subtest)(?!\w)|(?<!\w)org\\?\.jpype\b|\bSubTestReport\b")

ALLOWED: Final[Mapping[tuple[str, str], str]] = {
    (
        "channel.expected_messages",
        "'SubTestReport'",
    ): "the form in which pytest sends a report is what this room checks",
    ("channel.report_shape", "'_subtest'"): "the same",
    ("collect.items", ".fixturenames"): "of a Metafunc, where it is documented",
    ("diagnosis.crashes", "'_jpype'"): "the name of a file in a native stack, which is text by then",
    ("diagnosis.held", "'_jpype'"): "the same",
    ("evidence.interleave", r"'org\\.jpype'"): "the name of a class in a Java stack, which is text by then",
    ("model.blame", "'_pytest'"): "a part of a path in a Python stack",
    ("report.frame_text", "'_pytest'"): "the same",
}
"""Uses elsewhere, and why each stays. `test_contracts_of_others.py` tells when one of these names is gone."""


def uses(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and form of each use of what another project keeps to itself."""
    texts = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        for form in _forms(node, is_docstring=id(node) in texts):
            yield getattr(node, "lineno", 0), form


def _forms(node: ast.AST, *, is_docstring: bool) -> Iterator[str]:
    match node:
        case ast.Attribute(attr="finish", value=ast.Name(id="fixturedef")):
            yield ".finish of a fixture's definition"
        case ast.Attribute(attr="write_sep", ctx=ast.Store()):
            yield ".write_sep replaced"
        case ast.Attribute(attr=name, value=value) if _is_private(name) and not _is_own(value, name):
            yield f".{name}"
        case ast.Attribute(attr=name) if name in FRAGILE:
            yield f".{name}"
        case ast.Call(func=ast.Attribute(attr=name)) if name in LOOKUPS:
            yield f".{name}()"
        case ast.Call(func=ast.Attribute(attr="unregister"), keywords=[_, *_]):
            yield ".unregister() by name"
        case ast.Call(func=ast.Name(id="getattr" | "hasattr" | "setattr"), args=[_, ast.Constant(value=str(name)), *_]):
            if _is_private(name):
                yield f"{name!r}"
        case ast.Compare(left=left, comparators=others):
            if any(ast.unparse(one).startswith("type(") and "__name__" in ast.unparse(one) for one in (left, *others)):
                yield "a class by its name"
        case ast.Constant(value=str(text)) if not is_docstring:
            if text in FRAGILE:
                yield f"{text!r}"
            elif found := INNER_TEXT.search(text):
                yield f"{found[0]!r}"


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in ("_asdict", "_replace")


def _is_own(value: ast.expr, name: str) -> bool:
    return ast.unparse(value) in ("self", "cls") or f"{ast.unparse(value)}.{name}" in PUBLIC


def found_outside() -> dict[tuple[str, str], int]:
    return {
        (module, form): line
        for module, tree in sources().items()
        if room_of(module) != "interop"
        for line, form in uses(tree)
    }


def test_only_interop_touches_inner_parts_of_other_projects() -> None:
    found = found_outside()
    outside = [f"{module}:{line} {form}" for (module, form), line in found.items() if (module, form) not in ALLOWED]
    assert outside == [], "move the use into pytest_foreignthread/interop, into the file of the project"


def test_no_use_is_allowed_that_is_gone() -> None:
    assert ALLOWED.keys() - found_outside().keys() == set()


WRONG: Final = {
    "config._tmp_path_factory": ["._tmp_path_factory"],
    "self._config._syrupy": ["._syrupy"],
    "getattr(config, '_tmp_path_factory', None)": ["'_tmp_path_factory'"],
    "jpype._core.x": ["._core"],
    "manager.getplugin('runner')": [".getplugin()"],
    "manager.get_plugin(NAME)": [".get_plugin()"],
    "manager.unregister(name=NAME)": [".unregister() by name"],
    "type(plugin).__name__ == NAME": ["a class by its name"],
    "type(plugin).__name__ in NAMES": ["a class by its name"],
    "hasattr(config, 'workerinput')": ["'workerinput'"],
    "capture.suspend_global_capture()": [".suspend_global_capture"],
    "terminal.write_sep = noting": [".write_sep replaced"],
    "partial(fixturedef.finish, request)": [".finish of a fixture's definition"],
    "NAMES = ('_pytest.runner',)": ["'_pytest'"],
    "NAME = 'org.jpype.PyExceptionProxy'": ["'org.jpype'"],
}


@pytest.mark.parametrize(("source", "forms"), WRONG.items(), ids=WRONG)
def test_rule_sees_the_use(source: str, forms: list[str]) -> None:
    assert [form for _, form in uses(ast.parse(source))] == forms


RIGHT: Final = (
    *("self._config", "cls._table", "os._exit(1)", "option._replace(name='x')", "terminal.write_sep('=', 'title')"),
    *("'pytest_foreignthread.fixtures'", "'the part of _pytest, in a docstring'", "manager.unregister(plugin)"),
    *("type(error).__name__", "server.finish()", "item.__dict__"),
)


@pytest.mark.parametrize("source", RIGHT)
def test_rule_allows_what_is_public(source: str) -> None:
    assert list(uses(ast.parse(source))) == []
