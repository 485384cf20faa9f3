from __future__ import annotations

import pytest
from clojure_jars import WHY_NONE, clojure_jars
from clojure_modes import pytest_foreign_thread_modes  # noqa: F401


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    jars = clojure_jars()
    for item in items:
        item.add_marker(pytest.mark.foreign_thread(classpath=jars) if jars else pytest.mark.skip(reason=WHY_NONE))
