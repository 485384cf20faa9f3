"""syrupy reports, and deletes, snapshots that no test has used; the pytest process must know those used in children."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Generator, Mapping
from typing import Any, Final

import pytest

from ..config.stash_keys import CHILD, SETTINGS

_NAME: Final = "syrupy"
_RESULT: Final = ("snapshot_location", "snapshot_name", "created", "updated", "success")


class Beside:
    """A plugin that runs beside syrupy's."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._used: list[Any] = []
        """The assertions of the running test of this child."""

    @property
    def _session(self) -> Any:
        """The session that tests see as `snapshot.session`; syrupy has no other access to it."""
        return self._config._syrupy  # type: ignore[attr-defined]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if CHILD in self._config.stash:
            self._used = []
            self._session.register_request = self._noting(item)

    def _noting(self, item: pytest.Item) -> Any:
        register = type(self._session).register_request
        # A snapshot belongs to the test, in every mode.
        location = _location(item)

        def noting(assertion: Any) -> None:
            assertion.test_location = location
            self._used.append(assertion)
            register(self._session, assertion)

        return noting

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Generator[None, object, object]:
        try:
            return (yield)
        finally:
            if CHILD in self._config.stash:
                self._session.flush_snapshot_write_queue()

    def pytest_foreign_thread_carry(self) -> Mapping[str, Any]:
        # The files beside which syrupy leaves locks, under xdist.
        written = getattr(self._session, "_written_snapshot_locations", ())
        return {_NAME: {"assertions": list(map(_plain, self._used)), "written": sorted(written)}}

    def pytest_foreign_thread_carried(self, item: pytest.Item, data: Mapping[str, Any] | None) -> None:
        if data is None:
            # The snapshots that the test would have used are unknown, and must not count as unused.
            self._session.ran_item(item.nodeid, "skipped")
            return
        for plain in data[_NAME]["assertions"]:
            _assertion(self._session, item, plain)
        if data[_NAME]["written"]:
            self._session.add_written_snapshot_locations(data[_NAME]["written"])


class _WithoutMode:
    """The attributes of an item that syrupy needs to find the item's snapshots, without the mode in the name."""

    def __init__(self, item: Any) -> None:
        self.nodeid = item.stash[SETTINGS].test
        self.name = self.nodeid.rpartition("::")[2]
        self.path, self.obj, self.stash = item.path, item.obj, item.stash


def _location(item: pytest.Item) -> Any:
    from syrupy.location import PyTestLocation

    return PyTestLocation(_WithoutMode(item))


def _plain(assertion: Any) -> dict[str, Any]:
    kind = type(assertion.extension)
    results = [{name: getattr(result, name) for name in _RESULT} for result in assertion.executions.values()]
    return {"module": kind.__module__, "class": kind.__qualname__, "results": results}


def _assertion(session: Any, item: pytest.Item, plain: Mapping[str, Any]) -> Any:
    """Return an assertion with these results; the session registers the assertion itself."""
    from syrupy.assertion import AssertionResult, SnapshotAssertion

    location = _location(item)
    made = SnapshotAssertion(
        session=session,
        extension_class=_extension(plain),
        test_location=location,
        update_snapshots=session.update_snapshots,
    )
    unknown = dict.fromkeys(field.name for field in dataclasses.fields(AssertionResult))
    for number, result in enumerate(plain["results"]):
        made.executions[number] = AssertionResult(**{**unknown, **result, "test_location": location})
    return made


def _extension(plain: Mapping[str, Any]) -> Any:
    """Return the extension class; syrupy's default if the class was defined in the child only, or is no extension."""
    from syrupy.extensions import DEFAULT_EXTENSION
    from syrupy.extensions.base import AbstractSyrupyExtension

    found: Any = sys.modules.get(plain["module"])
    for part in plain["class"].split("."):
        found = getattr(found, part, None)
    is_extension = isinstance(found, type) and issubclass(found, AbstractSyrupyExtension)
    return found if is_extension else DEFAULT_EXTENSION
