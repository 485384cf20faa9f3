"""What is told of a run's surroundings, of this very run and of ones made up."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest

from pytest_foreignthread.model.settings import Jvm
from pytest_foreignthread.report.kept import environment

SECRET: Final = "hunter2-hunter2"


class MadeUpConfig:
    """As much of a pytest.Config as is read for a rerun: options by name or flag, and in a worker its input."""

    def __init__(self, options: dict[str, Any], worker: dict[str, Any] | None = None) -> None:
        self._options = options
        if worker is not None:
            self.workerinput = worker

    def getoption(self, name: str, default: object = None) -> object:
        return self._options.get(name, default)


def rerun_options(options: dict[str, Any], worker: dict[str, Any] | None = None) -> list[str]:
    config: Any = MadeUpConfig(options, worker)
    return environment.rerun_options(config)


RERUNS: Final = {
    "nothing": ({}, []),
    "ours": (
        {"--foreign-thread-timeout": "1", "--foreign-thread-jvm": "/jdk"},
        ["--foreign-thread-timeout=1", "--foreign-thread-jvm=/jdk"],
    ),
    "where to write": ({"--foreign-thread-artifacts": "kept", "--foreign-thread-report": "r.json"}, []),
    "forked": ({"forked": True}, ["--forked"]),
    "not forked": ({"forked": False}, []),
    "seed": ({"randomly_seed": 7}, ["--randomly-seed=7"]),
    "seed zero": ({"randomly_seed": 0, "hypothesis_seed": "1"}, ["--randomly-seed=0", "--hypothesis-seed=1"]),
    "plugins": ({"plugins": ["no:cacheprovider", "mine"]}, ["-p", "no:cacheprovider", "-p", "mine"]),
    "configuration": (
        {"inifilename": "a.ini", "rootdir": "/src", "override_ini": ["x=1", "y=2"]},
        ["--config-file=a.ini", "--rootdir=/src", "-o", "x=1", "-o", "y=2"],
    ),
    "a secret": ({"--foreign-thread-jvm-args": "-Dpassword=x"}, ["--foreign-thread-jvm-args='-Dpassword=[left out]'"]),
}


@pytest.mark.parametrize(("options", "arguments"), RERUNS.values(), ids=RERUNS)
def test_rerun_options(options: dict[str, Any], arguments: list[str]) -> None:
    assert rerun_options(options) == arguments


def test_xdists_own_plugin_is_no_ones_wish() -> None:
    assert rerun_options({"plugins": ["no:terminal", "no:x"]}, {}) == ["-p", "no:x"]
    assert rerun_options({"plugins": ["no:terminal"]}) == ["-p", "no:terminal"]


@pytest.fixture
def around(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("SOME_TOKEN", SECRET)
    monkeypatch.setenv("PYTHONWARNINGS", "two words")
    monkeypatch.setenv("PLAIN_WORDS", "two words")
    return environment.surroundings(pytestconfig)


def test_surroundings_are_plain_data(around: dict[str, Any]) -> None:
    assert json.loads(json.dumps(around)) == around


def test_surroundings_of_this_run(around: dict[str, Any], pytestconfig: pytest.Config) -> None:
    assert around["rootdir"] == str(pytestconfig.rootpath)
    assert Path(around["inifile"]).name == "pyproject.toml"
    assert around["executable"] == sys.executable
    assert around["plugins"]["pytest-foreignthread"]
    assert around["cpus"]["total"] >= around["cpus"]["usable"] >= 1
    assert around["memory_bytes"] > 2**26
    assert os.uname().release in around["kernel"]
    assert around["encodings"]["file_system"] == sys.getfilesystemencoding()
    assert (around["debug_build"], around["free_threaded_build"]) == (
        hasattr(sys, "gettotalrefcount"),
        "t" in sys.abiflags,
    )


def test_other_variables_than_those_that_are_shown_are_named_without_a_value(around: dict[str, Any]) -> None:
    assert around["environment_variables"]["PYTHONWARNINGS"] == "two words"
    assert {"SOME_TOKEN", "PLAIN_WORDS"} <= set(around["left_out"])
    assert SECRET not in json.dumps(around)


@pytest.mark.parametrize(
    ("worker", "argv", "name"),
    [
        (None, ["-q", "--token=[left out]", "tests"], None),
        ({"workerid": "gw3", "mainargv": ["/bin/pytest", "-n4", "--token=x"]}, ["-n4", "--token=[left out]"], "gw3"),
    ],
)
def test_the_command_line(worker: dict[str, Any] | None, argv: list[str], name: str | None) -> None:
    config: Any = SimpleNamespace(
        invocation_params=SimpleNamespace(args=("-q", "--token=x", Path("tests")), dir=Path("/src")),
        rootpath=Path("/src"),
        inipath=None,
        pluginmanager=SimpleNamespace(list_plugin_distinfo=list),
        **({} if worker is None else {"workerinput": worker}),
    )
    found = environment.surroundings(config)
    assert (found["argv"], found["xdist_worker"], found["inifile"], found["plugins"]) == (argv, name, None, {})


@pytest.mark.parametrize("error", [ValueError, OSError])
def test_a_memory_that_no_one_knows(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def refuse(name: str) -> int:
        raise error(name)

    monkeypatch.setattr(os, "sysconf", refuse)
    assert environment._machine()["memory_bytes"] is None


def test_versions() -> None:
    jvm = Jvm(Path("/jdk/libjvm.so"), "25.0.2", "JAVA_HOME")
    assert environment.versions(jvm)["jvm"] == {"version": "25.0.2", "path": "/jdk/libjvm.so", "source": "JAVA_HOME"}
    assert environment.versions(None)["jvm"] is None
