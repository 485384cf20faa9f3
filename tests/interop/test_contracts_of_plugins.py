"""What `interop/` counts on in the plugins of `plugins.txt`, each by name: which name a new release has changed."""

from __future__ import annotations

import subprocess
from typing import Final

import pytest

from .environment import PYTHON

EXPRESSIONS: Final = {
    "allure registers its listener": "import allure_pytest.plugin as p; 'allure_listener' in source(p)",
    "allure's listener has its class": "from allure_pytest.listener import AllureListener; AllureListener",
    "allure keeps a test's id": "from allure_pytest.listener import AllureListener; '_cache' in source(AllureListener)",
    "allure's cache forgets": "from allure_pytest.listener import ItemCache; ItemCache.pop",
    "allure drops results": "from allure_commons.reporter import AllureReporter as R; R.drop_test and R.get_test",
    "pytest-json-report has its classes": "from pytest_jsonreport.plugin import JSONReport, JSONReportWorker; True",
    "pytest-rerunfailures runs the protocol": "from pytest_rerunfailures import pytest_runtest_protocol; True",
    "flaky runs the protocol": "from flaky.flaky_pytest_plugin import FlakyPlugin as P; P.pytest_runtest_protocol",
    "syrupy keeps its session": "import syrupy; '_syrupy' in source(syrupy)",
    "syrupy's session registers": "from syrupy.session import SnapshotSession as S; S.register_request and S.ran_item",
    "syrupy's session writes": "from syrupy.session import SnapshotSession as S; S.flush_snapshot_write_queue",
    "syrupy knows what it has written": "import syrupy.session as s; '_written_snapshot_locations' in source(s)",
    "pytest-benchmark registers its session": "import pytest_benchmark.plugin as p; 'pytest-benchmark' in source(p)",
    "pytest-benchmark has its data": "from pytest_benchmark.stats import Metadata; Metadata.as_dict",
    "pytest-timeout says what it takes": "import pytest_timeout as p; p.TimeoutHooks.pytest_timeout_set_timer",
    "pytest-instafail has its terminal": "import pytest_instafail as p; 'print_failure' in source(p)",
    "gevent says what it has patched": "from gevent import monkey as m; m.is_module_patched and m.get_original",
    "gevent's hub goes on in a fork": "import gevent; gevent.reinit",
    "eventlet says what it has patched": "from eventlet import patcher as p; p.is_monkey_patched and p.original",
    "eventlet knows the hub of a thread": "import eventlet.hubs as h; h.get_hub() and h._threadlocal.hub and h.use_hub",
    "pytest-sugar has its terminal": "import pytest_sugar as p; 'print_failure' in source(p)",
}


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_a_plugin_has_what_is_used_of_it(expression: str) -> None:
    if not PYTHON.exists():
        pytest.fail("the plugins are not installed: run python -m tests.interop", pytrace=False)
    before, _, value = expression.rpartition("; ")
    program = f"from inspect import getsource as source; {before}; assert ({value})"
    done = subprocess.run([PYTHON, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
