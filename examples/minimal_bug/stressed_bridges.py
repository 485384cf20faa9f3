"""Both bridges in rounds of a shaken schedule, on each kind of thread: callbacks in time, and late ones.

pytest stressed_bridges.py -k mended --foreign-thread-stress=1000    # 10,000 rounds: 1,000 in each of ten modes
pytest stressed_bridges.py -k broken --foreign-thread-stress=1       # dies in each of them

pytest does not collect this file unless it is named: its rounds take minutes.
"""

from __future__ import annotations

import functools
from types import ModuleType

import broken_bridge
import mended_bridge
import pytest
from cases import ready
from cases_as_tests import Watched, go_on
from concurrent_java import Patience, fixed_pool
from minimal_bug import SafelyClj, call_me_baby

MODES = ("main", "same", "new", "pool", "virtual", "forkjoin", "scheduled", "python", "native", "native-pool")

pytestmark = [
    pytest.mark.foreign_thread(mode=MODES, timeout=30),
    pytest.mark.usefixtures("java_lang_foreign"),
]


@functools.cache
def function_of(bridge: ModuleType) -> SafelyClj:
    """A built-in function that waits 1 ms for its thunk. All rounds of a child have the same one, and its pool."""
    function: SafelyClj = ready(bridge).function(fixed_pool(4), Patience(1, "timeout"))
    return function


def one_round(bridge: ModuleType) -> None:
    watched = Watched(may_run=True)
    mood = call_me_baby(function_of(bridge), watched.wrapped, watched.after)
    assert go_on(until=watched.ended), f"answered {mood!r}, and the thunk was never run to its end"
    assert mood in ("yay", "timeout")


def test_broken() -> None:
    one_round(broken_bridge)


def test_mended() -> None:
    one_round(mended_bridge)
