"""A child without a JVM for each test, beside pytest-forked."""

from __future__ import annotations

from typing import Final

from . import suites
from .bench import OUR_PLUGIN, Bench
from .figures import Row
from .isolated import forked_environment, other_environment
from .measure import Pytest, cpus, in_turn, walls

_OURS: Final = (*OUR_PLUGIN, "--foreign-thread-jvm=none", "--foreign-thread-isolation=test")


def ours(bench: Bench) -> Pytest:
    tests = bench.sizes.bare
    suite = suites.trivial(bench.folder / "native", tests, head=suites.marker("native"))
    return Pytest(suite, _OURS, f"{tests} passed")


def rows(bench: Bench) -> list[Row]:
    tests = bench.sizes.bare
    native, forked, other = in_turn(bench.repeat, ours(bench).run, _our_forked(bench).run, _pytest_forked(bench).run)
    sides = (("native", native), ("--forked of ours", forked))
    return [
        row
        for name, own in sides
        for row in (
            Row(f"{tests} tests, {name} / pytest-forked: wall", "s", walls(own), walls(other)),
            Row(f"{tests} tests, {name} / pytest-forked: CPU", "s", cpus(own), cpus(other), 1.3),
        )
    ]


def _our_forked(bench: Bench) -> Pytest:
    tests = bench.sizes.bare
    suite = suites.trivial(bench.folder / "our_forked", tests)
    return Pytest(suite, (*_OURS, "-p", "pytest_forked", "--forked"), f"{tests} passed")


def _pytest_forked(bench: Bench) -> Pytest:
    tests = bench.sizes.bare
    suite = suites.trivial(bench.folder / "pytest_forked", tests)
    arguments = ("-p", "pytest_forked", "--forked")
    python = str(other_environment())
    return Pytest(suite, arguments, f"{tests} passed", python=python, environment=forked_environment())
