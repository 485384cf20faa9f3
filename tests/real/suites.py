"""Which suites there are: a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class Suite:
    """The tests of one source distribution, or a part of CPython's own where there is no `version`."""

    name: str
    version: str
    """Pinned, as on the package index; empty for CPython's tests, which are those of the interpreter."""
    tests: tuple[str, ...]
    """Paths below the folder of the sources, or of the standard library."""
    requires: tuple[str, ...] = ()
    """What the tests import besides the package and pytest."""
    installed: bool = False
    """Whether the package has its tests inside, beside what was built: paths are below `site-packages` then."""
    config: str = ""
    """The configuration that the tests are written for, a file in the sources; empty where they need none."""
    options: tuple[str, ...] = ()
    """More arguments of pytest, for the plain run too."""
    environment: Mapping[str, str] = field(default_factory=dict)
    isolation: str = "session"
    """`test` where the tests of one child disturb each other."""
    timeout: int = 60
    """Seconds that each phase of a test may last."""

    @property
    def of_cpython(self) -> bool:
        return not self.version

    @property
    def pinned(self) -> str:
        return f"{self.name}=={self.version}"


def _cpython(name: str, *tests: str, timeout: int = 120) -> Suite:
    return Suite(name, "", tests, timeout=timeout)


# The others count all objects of the process again and again, for minutes.
_GREENLET: Final = (
    *("contextvars", "cpp", "extension_interface", "gc", "generator", "generator_nested", "stack_saved", "throw"),
    *("tracing", "weakref"),
)
SUITES: Final = (
    Suite("markupsafe", "3.0.4", ("tests",), config="pyproject.toml"),
    Suite("itsdangerous", "2.2.0", ("tests",), requires=("freezegun",), config="pyproject.toml"),
    Suite("iniconfig", "2.3.1", ("testing",), config="pyproject.toml"),
    Suite("pluggy", "1.7.0", ("testing",), requires=("pytest-benchmark",), config="pyproject.toml"),
    Suite("toolz", "1.2.0", ("toolz/tests",), config="pyproject.toml"),
    Suite("msgpack", "1.2.4", ("test",)),
    Suite(
        "greenlet",
        "3.5.6",
        tuple(f"greenlet/tests/test_{part}.py" for part in _GREENLET),
        requires=("objgraph", "psutil", "setuptools"),
        installed=True,
        # It runs each test a hundred times over, for minutes.
        environment={"GREENLET_SKIP_LEAKCHECKS": "1"},
    ),
    Suite("simplejson", "4.3.0", ("simplejson/tests",), installed=True),
    Suite("wrapt", "2.5.2", ("tests/core",)),
    Suite("click", "8.5.1", ("tests",), config="pyproject.toml"),
    _cpython("test_threading_local", "test/test_threading_local.py"),
    _cpython("test_threading", "test/test_threading.py"),
    _cpython("test_generators", "test/test_generators.py"),
    _cpython("test_descr", "test/test_descr.py"),
    _cpython("test_signal", "test/test_signal.py"),
    _cpython("test_sqlite3", "test/test_sqlite3"),
    _cpython("test_pickle", "test/test_pickle.py"),
)
# What tests the use by several threads: `races` runs these in rounds.
THREADED: Final = (
    Suite("cachetools", "8.0.2", ("tests/test_threading.py",)),
    # Its conftest starts servers, for other tests.
    Suite("werkzeug", "3.1.9", ("tests/test_local.py",), options=("--noconftest",)),
)


def chosen(names: Iterable[str]) -> tuple[Suite, ...]:
    """Return the suites of these names, `cpython` for all of CPython's; all of them where none is named.

    Raise ValueError for a name that no suite has.
    """
    wanted = set(names)
    known = {suite.name for suite in SUITES} | {"cpython"}
    if unknown := sorted(wanted - known):
        raise ValueError(f"no suite {unknown[0]!r}: want some of {', '.join(sorted(known))}")
    return tuple(suite for suite in SUITES if not wanted or _is_named(suite, wanted))


def _is_named(suite: Suite, wanted: set[str]) -> bool:
    return suite.name in wanted or (suite.of_cpython and "cpython" in wanted)
