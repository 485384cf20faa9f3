"""The modes that a project adds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final, cast

import pytest

from pytest_foreignthread.collect.own_modes import OWN_MODES, gather, known_modes
from pytest_foreignthread.model.choices import MODES
from pytest_foreignthread.model.modes import OwnMode


def config(*answers: object) -> pytest.Config:
    hook = SimpleNamespace(pytest_foreign_thread_modes=lambda config: list(answers))
    return cast(pytest.Config, SimpleNamespace(hook=hook, stash={}))


def test_modes_of_several_plugins_come_together() -> None:
    own = OwnMode(len, needs_jvm=False)
    assert dict(gather(config({"vertx": print}, {}, {"Spark_2": own}))) == {"vertx": OwnMode(print), "Spark_2": own}
    assert dict(gather(config())) == {}


BAD: Final[dict[str, tuple[list[Any], str]]] = {
    "no dict": ([["vertx"]], "gave ['vertx']: expected a dict of names and launchers"),
    "a dash": ([{"my-pool": print}], "expected a name of letters, digits and _"),
    "no text": ([{1: print}], "expected a name of letters, digits and _"),
    "empty": ([{"": print}], "expected a name of letters, digits and _"),
    "ours": ([{"pool": print}], "a mode of that name is there already"),
    "twice": ([{"vertx": print}, {"vertx": len}], "another plugin or conftest gives that mode, too"),
    "nothing to call": (
        [{"vertx": OwnMode(cast(Any, None), needs_jvm=False)}],
        "needs_jvm=False, has_one_thread=False)}: expected a function that takes a Python callable",
    ),
    "no function": ([{"vertx": "pool"}], "gave {'vertx': 'pool'}: expected a function that takes a java.lang.Runnable"),
}


@pytest.mark.parametrize(("answers", "words"), BAD.values(), ids=BAD)
def test_what_is_no_mode(answers: list[Any], words: str) -> None:
    with pytest.raises(pytest.UsageError) as raised:
        gather(config(*answers))
    assert str(raised.value).startswith("pytest_foreign_thread_modes gave ")
    assert str(raised.value).endswith(words)


def test_the_projects_modes_are_known_beside_the_plugins() -> None:
    own = SimpleNamespace(stash={OWN_MODES: {"vertx": print}})
    assert known_modes(own) == (*MODES, "vertx")
    assert known_modes(SimpleNamespace(stash={})) == MODES
