"""Hooks of a project and of plugins that count on a phase having run in the pytest process."""

from __future__ import annotations

from typing import Final

import pytest

from .conftest import RunSuite

DEATHS: Final = """
    import os
    import pytest

    pytestmark = pytest.mark.foreign_thread(mode="python")

    def test_fails(tmp_path):
        assert False

    def test_dies(tmp_path):
        os._exit(3)

    @pytest.mark.xfail
    def test_is_expected(tmp_path):
        os._exit(3)

    @pytest.mark.skip(reason="never")
    def test_is_skipped(tmp_path):
        pass

    def test_last():
        pass
"""
# As in pytest's documentation, "post-process test reports / failures".
FUNCARGS: Final = """
    import pytest

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(item, call):
        report = yield
        if report.when == "call" and not report.passed:
            report.sections.append(("folder", item.funcargs["tmp_path"].name))
        return report
"""


def test_a_report_hook_that_asks_for_fixtures(run_suite: RunSuite) -> None:
    run = run_suite(
        {"conftest.py": FUNCARGS, "test_it.py": DEATHS.replace("def test_last()", "def test_last(tmp_path)")}
    )
    assert run.closing_line == "1 failed, 1 passed, 1 skipped, 1 xfailed, 1 crash", run.output
    assert "INTERNALERROR" not in run.output
    assert "test_fails0" in run.output
    assert "pytest_runtest_makereport raised KeyError('tmp_path')" in run.output


def test_a_report_hook_that_raises_is_named(run_suite: RunSuite) -> None:
    conftest = """
        import pytest

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(item, call):
            report = yield
            if item.name == "test_it" and call.when == "setup":
                raise ValueError("odd")
            return report
    """
    suite = "import pytest\n\n@pytest.mark.foreign_thread(mode='main')\ndef test_it(): pass\n"
    run = run_suite({"conftest.py": conftest, "test_it.py": suite})
    assert run.outcomes == {"test_it": "error"}
    message = run.tests["test_it"]["message"]
    assert message.startswith("no report of the setup could be made or sent: ValueError: odd (")
    assert message.endswith("conftest.py:8)")


@pytest.mark.parametrize("value", ["'odd'", "None", "object()", "['failed']"])
def test_a_report_hook_that_sets_an_outcome_of_its_own(run_suite: RunSuite, value: str) -> None:
    """pytest counts such a report as nothing, and would say that no test ran."""
    conftest = """
        import pytest

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport():
            report = yield
            report.outcome = VALUE
            return report
    """.replace("VALUE", value)
    suite = "import pytest\n\n@pytest.mark.foreign_thread(mode='main')\ndef test_it(): assert False\n"
    run = run_suite({"conftest.py": conftest, "test_it.py": suite})
    assert run.outcomes == {"test_it": "error"}
    assert run.status == 1
    assert "expected one of passed, failed, skipped as outcome, got" in run.output


def test_a_hook_that_raises_at_the_end_leaves_the_report(run_suite: RunSuite) -> None:
    conftest = "def pytest_sessionfinish():\n    raise ValueError('odd')\n"
    suite = "import pytest\n\n@pytest.mark.foreign_thread(mode='main')\ndef test_it(): pass\n"
    assert run_suite({"conftest.py": conftest, "test_it.py": suite}).outcomes == {"test_it": "passed"}


CARRIES: Final = """
    import json, os
    import pytest

    class Count:
        def __init__(self):
            self.here = []

    def pytest_configure(config):
        config.count = Count()

    @pytest.fixture
    def count(pytestconfig):
        return pytestconfig.count

    def pytest_foreign_thread_carry(item):
        return {"count": item.config.count.here}

    def pytest_foreign_thread_carried(item, data):
        if data is None:
            item.config.count.here.append(f"{item.name} died")
        else:
            item.config.count.here.extend(data["count"])

    def pytest_sessionfinish(session):
        if name := os.environ.get("PYTEST_XDIST_WORKER") or "alone":
            print(name, file=open(f"told-{name}", "w"))
            json.dump(session.config.count.here, open(f"told-{name}", "w"))
"""


def test_data_of_a_projects_own_is_carried(run_suite: RunSuite) -> None:
    suite = """
        import os
        import pytest

        @pytest.mark.foreign_thread(mode="python")
        def test_it(count):
            count.here.append(["a tuple", {"of": None}])

        @pytest.mark.foreign_thread(mode="python")
        def test_dies(count):
            os._exit(3)
    """
    run = run_suite({"conftest.py": CARRIES, "test_it.py": suite})
    assert run.outcomes == {"test_it": "passed", "test_dies": "crash"}, run.output
    assert (run.folder / "told-alone").read_text() == '[["a tuple", {"of": null}], "test_dies died"]'
