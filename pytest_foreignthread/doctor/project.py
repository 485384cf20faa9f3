"""What the project brings: its class path, its baseline, its own bridge, the places of its reports."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import pytest

from ..collect.class_path import ADVICE, problem_of
from ..collect.jvm_need import BRIDGE, FIXTURES
from ..config.chosen_options import Options
from ..config.options import source_of
from ..interop.fixture_definitions import fixtures_of_plugins
from ..run import against_baseline
from .findings import Finding, one_line

SECTION: Final = "project"
RETURN: Final = "return a function that takes a Python callable and returns a java.lang.Runnable that calls it once"


def examine(config: pytest.Config, options: Options, modes: Sequence[str]) -> Iterator[Finding]:
    yield from class_path(options.classpath, source_of(config, "classpath"))
    if options.check:
        yield Finding(SECTION, "checkers", "ok", ", ".join(options.check))
    if options.baseline is not None:
        yield baseline(options, modes)
    for path in options.report:
        yield Finding(SECTION, "report", "ok", f"{path} can be written")
    for place, function in fixtures_of_plugins(config, BRIDGE, FIXTURES):
        yield bridge(place, function)


def class_path(entries: tuple[str, ...], source: str) -> Iterator[Finding]:
    """Yield a finding for each wrong entry; one for all if there are entries and none is wrong."""
    wrong = {path: problem for path in entries if (problem := problem_of(path)) is not None}
    for path, problem in wrong.items():
        yield Finding(SECTION, "class path", "note", f"{source}: {path}, {problem}", ADVICE)
    if entries and not wrong:
        yield Finding(SECTION, "class path", "ok", f"{source}: each of {len(entries)} can be read")


def baseline(options: Options, modes: Sequence[str]) -> Finding:
    try:
        known = against_baseline.load(options, modes).baseline.tests
    except pytest.UsageError as error:
        return Finding(SECTION, "baseline", "problem", one_line(error), "mend the file: a run ends with this error")
    return Finding(SECTION, "baseline", "ok", f"{options.baseline}: {len(known)} known")


def bridge(place: str, function: Callable[..., Any]) -> Finding:
    """Return what is known of the project's bridge, which only a test can try: it is a fixture."""
    if _returns_nothing(function):
        return Finding(SECTION, "bridge", "problem", f"{BRIDGE} of {place} returns nothing", RETURN)
    return Finding(SECTION, "bridge", "ok", f"{BRIDGE} of {place}; not tried: it is a fixture, and needs a test")


def _returns_nothing(function: Callable[..., Any]) -> bool:
    """Return whether the source has neither a value to return nor one to yield; false if no `def` of it is found."""
    try:
        definition = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError):
        return False
    # For a lambda the source is the whole statement; for code that was compiled from a string it may be another text.
    if not isinstance(definition, ast.FunctionDef) or definition.name != function.__name__:
        return False
    values = (ast.Return, ast.Yield, ast.YieldFrom)
    return not any(isinstance(node, values) and node.value is not None for node in _own(definition))


def _own(function: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes below, but for those of a function inside."""
    for node in ast.iter_child_nodes(function):
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.Lambda)):
            yield from _own(node)
