"""A child for the whole session, beside plain pytest."""

from __future__ import annotations

from . import suites
from .bench import Bench
from .figures import Row
from .measure import Pytest, cpus, in_turn, walls


def ours(bench: Bench, mode: str = "new") -> Pytest:
    tests = bench.sizes.shared
    suite = suites.trivial(bench.folder / mode, tests, head=suites.marker(mode))
    return bench.ours(suite, f"{tests} passed", "--foreign-thread-isolation=session")


def rows(bench: Bench) -> list[Row]:
    tests = bench.sizes.shared
    suite = suites.trivial(bench.folder / "plain", tests)
    plain = Pytest(suite, ("-p", "no:foreign_thread"), f"{tests} passed")
    new, same, other = in_turn(bench.repeat, ours(bench).run, ours(bench, "same").run, plain.run)
    found = []
    for mode, own, target in (("new", new, 2.4), ("same", same, 1.8)):
        name = f"{tests} tests, one child, mode {mode} / plain pytest"
        found.append(Row(f"{name}: wall", "s", walls(own), walls(other), target))
        found.append(Row(f"{name}: CPU", "s", cpus(own), cpus(other)))
    return found
