"""Rounds that cancel the Java future of a call: they find a bridge that trusts the future, and no fault elsewhere."""

from __future__ import annotations

import re
from itertools import count
from typing import Final

import pytest

from pytest_foreignthread.stress.schedule import schedule_of
from pytest_foreignthread.stress.seeds import round_seed

from .conftest import RunSuite

SEED: Final = 1
CONFTEST: Final = """
    import pytest

    launched = []

    def launch(runnable):
        import jpype

        launched.append(runnable)
        jpype.JClass("java.lang.Thread")(runnable).start()

    def pytest_foreign_thread_modes(config):
        return {"own": launch}

    @pytest.fixture
    def hasty_bridge(jvm):
        def bridge(function):
            def run():
                function()
                if launched.pop().isDone():
                    raise RuntimeError("freed, because its future was done")

            return jvm.JProxy("java.lang.Runnable", dict={"run": run})

        return bridge
"""
HASTY: Final = """
    import pytest

    @pytest.fixture
    def foreign_thread_bridge(hasty_bridge):
        return hasty_bridge

    @pytest.mark.foreign_thread(mode="own")
    def test_it(tmp_path):
        assert tmp_path.is_dir()
"""
SOUND: Final = """
    import pytest

    @pytest.fixture
    def foreign_thread_bridge({bridge}):
        return {bridge}

    @pytest.mark.foreign_thread(mode="{mode}", stress_threads=2)
    def test_it(foreign_thread):
        assert foreign_thread.call(divmod, 7, 2, mode="pool") == (3, 1)
        assert foreign_thread.submit(divmod, 7, 2, mode="scheduled").result(60) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            foreign_thread.call(divmod, 7, 0, mode="new")
"""


def cancelling_round(mode: str) -> int:
    """Return the number of the first round of the test in which futures are cancelled."""
    seeds = ((number, round_seed(SEED, "test_it.py::test_it", mode, number)) for number in count(1))
    return next(number for number, seed in seeds if schedule_of(seed).cancel_delay)


def test_a_bridge_that_frees_what_its_future_does_not_need_is_found(run_suite: RunSuite) -> None:
    number = cancelling_round("own")
    ran = run_suite(
        {"conftest.py": CONFTEST, "test_it.py": HASTY},
        "--foreign-thread-stress=3",
        f"--foreign-thread-stress-seed={SEED}:{number}",
        "--foreign-thread-stress-shrink=600",
    )
    stress = ran.tests["test_it"]["stress"]
    assert (stress["rounds"], stress["failed"]) == (3, 3), ran.output
    assert "RuntimeError: freed, because its future was done" in ran.output
    assert re.fullmatch(rf"{SEED}:{number}:cancel(/\d+)?", stress["shrunk"]["seed"])
    assert re.fullmatch(r"Java future cancelled .+ after the call began", stress["shrunk"]["schedule"])
    assert [one["failed"] for one in stress["shrunk"]["without"]] == [0]


@pytest.mark.parametrize(("mode", "bridge"), [("new", "foreign_thread_pyjnius_bridge"), ("forkjoin", "jpype_bridge")])
def test_a_sound_bridge_passes(run_suite: RunSuite, mode: str, bridge: str) -> None:
    conftest = """
        import pytest

        @pytest.fixture
        def jpype_bridge(jvm):
            return lambda function: jvm.JProxy("java.lang.Runnable", dict={"run": function})
    """
    ran = run_suite(
        {"conftest.py": conftest, "test_it.py": SOUND.format(mode=mode, bridge=bridge)},
        "--foreign-thread-stress=5",
        f"--foreign-thread-stress-seed={SEED}:{cancelling_round(mode)}:cancel,threads",
    )
    stress = ran.tests["test_it"]["stress"]
    assert (stress["rounds"], stress["failed"]) == (5, 0), ran.output
