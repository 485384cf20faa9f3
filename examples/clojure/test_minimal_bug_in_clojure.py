"""The case new-thread-fail of minimal-bug on Clojure's own executor, by the broken bridge and by the mended one."""

from __future__ import annotations

from typing import Any

import broken_bridge
import mended_bridge
import pytest
from cases import Bridge, ready
from cases_as_tests import Watched, go_on
from concurrent_java import Patience
from foreign import FINAL_SINCE
from minimal_bug import call_me_baby


@pytest.fixture
def solo_executor(jvm: Any) -> Any:
    """The pool that `future` and `send-off` use."""
    if (release := jvm.getJVMVersion()[0]) < FINAL_SINCE:
        pytest.skip(f"the bridge needs java.lang.foreign, final from JDK {FINAL_SINCE} on; this is JDK {release}")
    return jvm.JClass("clojure.lang.Agent").soloExecutor


def new_thread_fail(bridge: Bridge, executor: Any) -> None:
    """`(deref (future (thunk)) 1000 :timeout)`, and then Python goes on, as its main thread would."""
    watched = Watched(may_run=True)
    mood = call_me_baby(ready(bridge).function(executor, Patience(1000, "timeout")), watched.wrapped, watched.after)
    assert go_on(until=watched.ended), f"answered {mood!r}, and the thunk was never run to its end"
    assert mood in ("yay", "timeout")


@pytest.mark.foreign_thread(mode="main", expect={"main": "segfault"})
def test_new_thread_fail(solo_executor: Any) -> None:
    new_thread_fail(broken_bridge, solo_executor)


@pytest.mark.foreign_thread(mode=["main", "future", "send_off", "pmap"])
def test_mended(solo_executor: Any) -> None:
    new_thread_fail(mended_bridge, solo_executor)
