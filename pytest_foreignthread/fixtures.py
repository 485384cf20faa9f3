"""The fixtures that a test may request; all of them work only in a child.

Modules are imported inside the fixtures, because each run of pytest imports this module and few runs have a child.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .child.callback import Bridge
    from .child.foreign_calls import ForeignThread


@pytest.fixture(scope="session")
def _foreign_thread_child() -> None:
    """Mark a test as one that needs a child, because each public fixture of this plugin requests this fixture.

    A public name such as `jvm` could not mark the test: many suites have their own fixture of that name.
    """


@pytest.fixture(scope="session")
def _foreign_thread_jvm(_foreign_thread_child: None) -> None:
    """Mark a test as one that needs a JVM."""


@pytest.fixture
def jvm(request: pytest.FixtureRequest, _foreign_thread_jvm: None) -> Any:
    """The `jpype` module, its JVM started."""
    if _in_child(request, "jvm").settings.jvm is None:
        raise pytest.UsageError(
            f"{request.node.nodeid}: the fixture 'jvm' needs a JVM, and the child of a forked test, or of a test "
            "in a mode that needs none, has none unless the test asks for it: name the fixture among the test's "
            "arguments"
        )
    import jpype

    return jpype


@pytest.fixture
def foreign_thread_bridge(request: pytest.FixtureRequest, _foreign_thread_child: None) -> Bridge:
    """The function that makes a `java.lang.Runnable` of a Python callable without arguments, by JPype's proxy.

    Override this fixture with one that returns your own function; the marker then runs tests through it.
    """
    _in_child(request, "foreign_thread_bridge")
    from .child.java.jpype_bridge import jpype_bridge

    return jpype_bridge


@pytest.fixture
def foreign_thread_pyjnius_bridge(request: pytest.FixtureRequest, _foreign_thread_jvm: None) -> Bridge:
    """The bridge by PyJNIus, in place of JPype's proxy: let your fixture `foreign_thread_bridge` return this one."""
    state = _in_child(request, "foreign_thread_pyjnius_bridge")
    from .child.java.pyjnius_bridge import pyjnius_bridge

    return pyjnius_bridge(state.kept)


@pytest.fixture
def foreign_thread(
    request: pytest.FixtureRequest, _foreign_thread_child: None, foreign_thread_bridge: Bridge
) -> Iterator[ForeignThread]:
    """Runs functions on foreign threads: `.call(function, *args, mode=...)`, `.submit(function, *args, mode=...)`."""
    state = _in_child(request, "foreign_thread")
    from .child.bridge_errors import problem_of_bridge
    from .child.foreign_calls import ForeignThread

    if problem := problem_of_bridge(foreign_thread_bridge):
        from .interop.fixture_definitions import place_of_fixture

        place = place_of_fixture(request.node, "foreign_thread_bridge")
        pytest.fail(f"fixture foreign_thread_bridge ({place}): {problem}", pytrace=False)
    threads = ForeignThread(foreign_thread_bridge, state, state.settings.call_mode)
    yield threads
    threads.check()


@pytest.fixture
def _foreign_thread_mode(request: pytest.FixtureRequest) -> str:
    """Return the mode of a test whose marker lists several modes; the modes are the fixture's parameters."""
    return str(request.param)


def _in_child(request: pytest.FixtureRequest, name: str) -> Any:
    from .config.stash_keys import CHILD

    state = request.config.stash.get(CHILD, None)
    if state is None:
        raise pytest.UsageError(
            f"{request.node.nodeid}: the fixture {name!r} works in a child only: "
            "mark the test with @pytest.mark.foreign_thread, or name the fixture among its arguments"
        )
    return state
