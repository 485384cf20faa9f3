"""pytest-benchmark: what was measured in a child is in the table and in the file."""

from __future__ import annotations

import json
import re
from typing import Final

import pytest

from .conftest import RunWith

SUITE: Final = """
    import threading
    import pytest

    def work():
        return threading.current_thread() is threading.main_thread()

    def test_ordinary(benchmark):
        assert benchmark.pedantic(work, rounds=3, iterations=2)

    @pytest.mark.foreign_thread
    @pytest.mark.benchmark(group="abroad")
    def test_one(benchmark):
        benchmark.extra_info["colour"] = "blue"
        assert not benchmark.pedantic(work, rounds=4, iterations=5)

    @pytest.mark.foreign_thread(mode=["main", "new"])
    def test_modes(benchmark):
        benchmark(work)

    @pytest.mark.foreign_thread
    def test_fails(benchmark):
        benchmark(lambda: 1 / 0)
"""


@pytest.mark.parametrize("isolation", ["test", "session"])
def test_the_table_and_the_file(run_with: RunWith, isolation: str) -> None:
    quick = ["--benchmark-max-time=0.01", "--benchmark-min-rounds=2"]
    run = run_with("benchmark", SUITE, *quick, "--benchmark-json=file.json", f"--foreign-thread-isolation={isolation}")
    assert run.closing_line == "1 failed, 4 passed", run.output
    (table,) = re.findall(r"benchmark: 3 tests -+\n(.*?)\n\n", run.output, re.DOTALL)
    assert set(re.findall(r"^test_\S+", table, re.MULTILINE)) == {
        "test_ordinary",
        "test_modes[main]",
        "test_modes[new]",
    }
    assert re.search(r"benchmark 'abroad': 1 tests -+\n(.*\n){2}test_one ", run.output)
    found = {one["name"]: one for one in json.loads((run.folder / "file.json").read_text())["benchmarks"]}
    assert sorted(found) == ["test_modes[main]", "test_modes[new]", "test_one", "test_ordinary"]
    stats = found["test_one"]["stats"]
    assert (stats["rounds"], stats["iterations"], len(stats["data"])) == (4, 5, 4)
    assert found["test_one"]["extra_info"] == {"colour": "blue"}
    assert found["test_one"]["options"] == {**found["test_ordinary"]["options"]}


def test_with_xdist_it_measures_nothing_as_ever(run_with: RunWith) -> None:
    run = run_with("benchmark xdist", SUITE, "-n2")
    assert run.closing_line.startswith("1 failed, 4 passed"), run.output
    assert "Benchmarks are automatically disabled" in run.errors + run.output
