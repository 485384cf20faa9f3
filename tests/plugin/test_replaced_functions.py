"""A test that replaces functions of the standard library, as mocks do, ends as in plain pytest."""

from __future__ import annotations

from typing import Final

import pytest

from .conftest import SuiteRun, run_suite_in

TARGETS: Final = (
    *("os.getpid", "os.getppid", "os.write", "os.read", "os._exit", "os.kill", "json.dumps", "json.loads"),
    *("time.monotonic", "time.sleep", "threading.get_ident", "threading.get_native_id", "threading.enumerate"),
    *("traceback.format_exception", "signal.signal", "gc.collect", "faulthandler.dump_traceback", "builtins.print"),
)
SUITE: Final = """
    import pytest

    @pytest.mark.foreign_thread(isolation="session")
    @pytest.mark.parametrize("fails", [False, True])
    @pytest.mark.parametrize("target", TARGETS)
    def test_it(monkeypatch, target, fails):
        monkeypatch.setattr(target, lambda *args, **options: 0)
        assert not fails

    @pytest.mark.forked
    @pytest.mark.parametrize("target", TARGETS)
    def test_forked(monkeypatch, target):
        monkeypatch.setattr(target, lambda *args, **options: 0)
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    return run_suite_in(tmp_path_factory.mktemp("replaced"), SUITE.replace("TARGETS", repr(TARGETS)))


@pytest.mark.parametrize("target", TARGETS)
def test_its_outcome_is_that_of_its_body(run: SuiteRun, target: str) -> None:
    found = [run.outcomes[f"test_it[{target}-{fails}]"] for fails in (False, True)]
    assert [*found, run.outcomes[f"test_forked[{target}]"]] == ["passed", "failed", "passed"]
