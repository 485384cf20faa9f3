"""Makes the report of a passed phase from the short form in which the child sends it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Final

import pytest

from ...channel.report_shape import BadShape, encodable
from ...child.pytest.plain_data import CARRIED, HAD_A_FORM
from ...interop.pytest_steps import is_pytests_own
from ...interop.xdist import is_worker
from . import pytest_reports

_PLUGIN: Final = "pytest_foreignthread.plugin"
_TYPE: Final = "TestReport"
_TIMES: Final = ("duration", "start", "stop")


class PassedPhases:
    """The reports of the passed phases of one test, in their order."""

    def __init__(self, item: pytest.Item) -> None:
        self._config = item.config
        self._is_worker = is_worker(item.config)
        self._nodeid: str = encodable(item.nodeid) if self._is_worker else item.nodeid
        self._is_pytests_to_read = _is_pytests_to_read(item.config)
        self._location: tuple[str, int | None, str] | None = None
        self._keywords: dict[str, Any] = {}

    def report(self, short: Mapping[str, Any]) -> pytest.TestReport:
        """Return the report; it equals the report that pytest makes of the long form.

        `short` has passed `report_shape.check_short`. Raise BadShape if it lacks what no earlier one had.
        """
        if self._is_worker:
            short = encodable(short)
        if "keywords" in short:
            self._keywords = {sys.intern(word): 1 for word in short["keywords"]}
        if "location" in short:
            path, line, domain = short["location"]
            self._location = (path, line, domain)
        if self._location is None:
            raise BadShape("expected a first passed phase with 'location', got one without")
        if not self._is_pytests_to_read:
            return pytest_reports.from_plain_data(self._config, self._long(short))
        more: dict[str, Any] = {name: short[name] for name in _TIMES if name in short}
        # pytest leaves this field of the long form on the report.
        more["$report_type"] = _TYPE
        report = pytest.TestReport(
            self._nodeid,
            self._location,
            self._keywords,
            "passed",
            None,
            short["when"],
            [(name, content) for name, content in short.get("sections", ())],
            user_properties=[(encodable(name), value) for name, value in short.get("user_properties", ())],
            **more,
        )
        if short["when"] == "teardown":
            setattr(report, CARRIED, {})
        return report

    def _long(self, short: Mapping[str, Any]) -> dict[str, Any]:
        """Return pytest's serialized form of the report, for plugins that read it in their own way."""
        more: dict[str, Any] = {CARRIED: {}} if short["when"] == "teardown" else {}
        return {
            "nodeid": self._nodeid,
            "longrepr": None,
            "sections": [],
            "user_properties": [],
            **short,
            "location": self._location,
            "keywords": dict(self._keywords),
            "$report_type": _TYPE,
            HAD_A_FORM: False,
            **more,
        }


def _is_pytests_to_read(config: pytest.Config) -> bool:
    """Return whether no plugin but pytest's own, and this one, has a part in making reports of serialized forms."""
    plugins = [one.plugin for one in config.hook.pytest_report_from_serializable.get_hookimpls()]
    return all(is_pytests_own(one) or getattr(one, "__name__", "") == _PLUGIN for one in plugins)
