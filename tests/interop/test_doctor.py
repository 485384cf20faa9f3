"""The doctor where all these plugins load by themselves."""

from __future__ import annotations

import json

from .conftest import RunWith


def test_plugins_that_matter(run_with: RunWith) -> None:
    run = run_with("*", {}, "--foreign-thread-doctor=json", "--timeout=10")
    document = json.loads(run.output)
    found = {one["name"]: one for one in document["findings"] if one["section"] == "plugins"}
    assert not {"pytest-rerunfailures", "pytest-randomly", "pytest-asyncio", "pytest-django", "syrupy"} & found.keys()
    assert found["pytest-timeout"]["value"].endswith("; its limit of 10 s is that of foreign-thread tests, too")
    assert (run.status, document["healthy"], run.errors) == (0, True, "")
