from __future__ import annotations

from typing import Final

import pytest

from pytest_foreignthread.evidence.motion import Look, Motions, Moves, motions
from pytest_foreignthread.model.stacks import JavaFrame, JavaThread, Motion, OsThread, PythonFrame, PythonThread

IDENT: Final = 0x7F00
NATIVE: Final = 913
STILL, RUNNING = Moves(Motion.STILL), Moves(Motion.RUNNING)


def py(name: str) -> PythonFrame:
    return PythonFrame("/project/test_bridge.py", 1, name)


def jv(name: str) -> JavaFrame:
    return JavaFrame(name, None, None)


def look(python: str | None = None, java: str | None = None, seconds: float | None = None) -> Look:
    """Return what a look saw of the one thread; None where its document has nothing, "" for a thread without frames."""
    return Look(
        () if python is None else (PythonThread(IDENT, None, False, tuple(map(py, python.split())), NATIVE),),
        () if java is None else (JavaThread("pool-1-thread-1", NATIVE, False, None, tuple(map(jv, java.split()))),),
        () if seconds is None else (OsThread(NATIVE, "pool-1-thread-1", "S", seconds),),
    )


@pytest.mark.parametrize(
    ("looks", "moves"),
    [
        ([], None),
        ([look("a", "b", 0.0)], None),
        ([look("a"), look("a")], STILL),
        ([look("a", "b", 0.1)] * 3, STILL),
        ([look("")] * 3, STILL),
        # What the looks themselves cost is within two ticks.
        ([look("a", None, 0.1), look("a", None, 0.12)], STILL),
        ([look("a", None, 0.1), look("a", None, 0.11), look("a", None, 0.2)], RUNNING),
        ([look(None, "b", 0.1), look(None, "b", 0.2)], RUNNING),
        ([look("a", None, 0.1), look("a")], STILL),
        ([look("a c"), look("b c"), look("a c")], Moves(Motion.MOVING, (py("a"), py("b")))),
        ([look("a c", None, 0.1), look("a d", None, 0.9)], Moves(Motion.MOVING, (py("a"),))),
        ([look(""), look("a")], Moves(Motion.MOVING, (py("a"),))),
        ([look(None, "a"), look(None, "b")], Moves(Motion.MOVING, (jv("a"), jv("b")))),
        # The livelier side counts: it rests in the Python frames that called Java, and the other way round.
        ([look("a", "b"), look("a", "c")], Moves(Motion.MOVING, (jv("b"), jv("c")))),
        ([look("a", "b"), look("c", "b")], Moves(Motion.MOVING, (py("a"), py("c")))),
        # It came, or it went; or a document could not be taken once.
        ([look("a"), Look((PythonThread(1, None, False, ()),), (), ())], None),
        ([Look((PythonThread(1, None, False, ()),), (), ()), look("a")], None),
        ([look("a", "b"), look(None, "b"), look("c", "b")], Moves(Motion.MOVING, (py("a"), py("c")))),
        ([look("a"), look(), look()], None),
        ([look(None, "a"), look("b", "a")], STILL),
    ],
)
def test_motion(looks: list[Look], moves: Moves | None) -> None:
    assert motions(looks).of(NATIVE, IDENT) == moves


def test_threads_do_not_share_their_motion() -> None:
    other = PythonThread(IDENT + 1, None, False, (py("x"),), NATIVE + 1)
    looks = [Look((*look(frames).python, other), (), ()) for frames in ("a", "b")]
    found = motions(looks)
    assert found.of(NATIVE + 1, IDENT + 1) == STILL
    assert found.of(NATIVE, IDENT) == Moves(Motion.MOVING, (py("a"), py("b")))


@pytest.mark.parametrize(("native_id", "ident"), [(None, None), (1, None), (None, 1), (1, 1)])
def test_a_thread_that_no_look_saw(native_id: int | None, ident: int | None) -> None:
    assert motions([look("a", "b")] * 2).of(native_id, ident) is None


def test_a_virtual_thread_is_not_compared() -> None:
    virtual = Look((), (JavaThread("virtual thread #30", None, False, None, (jv("a"),)),), ())
    assert motions([virtual, virtual]) == Motions({}, {})


def test_a_waiting_call_of_this_plugin_stands_still() -> None:
    """It looks up now and then, so that its newest frames and its line differ."""
    waits = PythonFrame("/lib/python3.11/threading.py", 331, "wait")
    asks = PythonFrame("/site-packages/pytest_foreignthread/child/foreign_calls.py", 140, "_has_ended")
    call = PythonFrame("/site-packages/pytest_foreignthread/child/foreign_calls.py", 55, "call")
    stacks = [(waits, waits, call, py("a")), (asks, call, py("a")), (PythonFrame(call.file, 56, "call"), py("a"))]
    looks = [Look((PythonThread(IDENT, None, False, stack, NATIVE),), (), ()) for stack in stacks]
    assert motions(looks).of(NATIVE, IDENT) == STILL
    moved = [*looks[:2], Look((PythonThread(IDENT, None, False, (waits, call, py("b")), NATIVE),), (), ())]
    assert motions(moved).of(NATIVE, IDENT) == Moves(Motion.MOVING, (PythonFrame(call.file, None, "call"),))
