"""A callback: its result, whatever it raises, its one run, and what it does as threads made by Python do."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from types import FrameType
from typing import Any, NoReturn

import pytest

from pytest_foreignthread.channel.wire import Decoder, Sender
from pytest_foreignthread.child.callback import Callback
from pytest_foreignthread.child.exceptions import exception_chain
from pytest_foreignthread.child.main_thread_state import kept_by_main_thread
from pytest_foreignthread.child.thread_values import ThreadValues
from pytest_foreignthread.model.observation import InternalError, Message, ThreadNamed


class Pipe:
    """A sender, and what was sent."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        self.sender = Sender(self._write, os.getpid())

    def sent(self) -> list[Message]:
        os.set_blocking(self._read, False)
        return Decoder().feed(os.read(self._read, 1 << 16))

    def close(self) -> None:
        os.close(self._read)
        os.close(self._write)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


class Odd(BaseException):
    """No pickle takes it, and it has no text."""

    def __reduce__(self) -> NoReturn:
        raise RuntimeError

    def __str__(self) -> NoReturn:
        raise RuntimeError


def on_a_thread(function: Callable[[], Any]) -> None:
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def test_value(pipe: Pipe) -> None:
    callback = Callback(lambda: 5, pipe.sender)
    callback()
    assert callback.future.result(0) == 5


@pytest.mark.parametrize(
    "error", [ValueError("a"), Odd(), SystemExit(3), KeyboardInterrupt(), StopIteration(1), GeneratorExit()]
)
def test_exception_is_kept_as_it_is(error: BaseException, pipe: Pipe) -> None:
    def fail() -> NoReturn:
        raise error

    callback = Callback(fail, pipe.sender)
    on_a_thread(callback)
    assert callback.future.exception(0) is error
    frames = []
    place = error.__traceback__
    while place is not None:
        frames.append(place.tb_frame.f_code.co_name)
        place = place.tb_next
    assert frames == ["__call__", "fail"]


def hostile(attribute: str, base: type[BaseException]) -> BaseException:
    def refuse(_: object) -> NoReturn:
        raise RuntimeError(f"no {attribute}")

    made: BaseException = type("Hostile", (base,), {attribute: property(refuse)})()
    return made


@pytest.mark.parametrize("base", [KeyError, AttributeError, ArithmeticError, SystemError])
@pytest.mark.parametrize(
    "attribute", ["args", "obj", "__cause__", "__context__", "__traceback__", "__class__", "exceptions"]
)
def test_exception_with_an_attribute_that_raises(attribute: str, base: type[BaseException], pipe: Pipe) -> None:
    error = hostile(attribute, base)

    def fail() -> NoReturn:
        raise error

    callback = Callback(fail, pipe.sender)
    on_a_thread(callback)
    assert callback.future.exception(0) is error
    assert [one for one in pipe.sent() if isinstance(one, InternalError)] == []
    assert exception_chain(error)[0][0].endswith("Hostile" if base is not SystemError else "SystemError")
    assert kept_by_main_thread(error, is_foreign=True) is None


@pytest.mark.parametrize("own", [ValueError("ours"), SystemExit(3)])
def test_explanation_that_fails_is_our_error(own: BaseException, pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    def explain(*_: object) -> NoReturn:
        raise own

    def fail() -> NoReturn:
        raise KeyError("the test's")

    monkeypatch.setattr(ThreadValues, "explain", explain)
    callback = Callback(fail, pipe.sender)
    on_a_thread(callback)
    assert isinstance(callback.future.exception(0), KeyError)
    (sent,) = [one for one in pipe.sent() if isinstance(one, InternalError)]
    assert str(own) in sent.text


def test_second_call_runs_nothing(pipe: Pipe) -> None:
    runs: list[int] = []
    callback = Callback(lambda: runs.append(1), pipe.sender)
    callback()
    on_a_thread(callback)
    assert (runs, callback.calls) == ([1], 2)


def test_call_after_it_was_given_up_runs_nothing(pipe: Pipe) -> None:
    runs: list[int] = []
    callback = Callback(lambda: runs.append(1), pipe.sender)
    assert callback.future.cancel()
    callback()
    assert runs == []
    with pytest.raises(CancelledError):
        callback.future.result(0)


def test_cannot_be_given_up_while_it_runs(pipe: Pipe) -> None:
    cancelled: list[bool] = []
    callback: Callback[None] = Callback(lambda: cancelled.append(callback.future.cancel()), pipe.sender)
    callback()
    assert cancelled == [False]
    assert callback.future.result(0) is None


def test_thread_is_named_before_the_function_runs(pipe: Pipe) -> None:
    named: list[Message] = []
    idents: list[tuple[int, int]] = []

    def function() -> None:
        named.extend(pipe.sent())
        idents.append((threading.get_ident(), threading.get_native_id()))

    on_a_thread(Callback(function, pipe.sender))
    assert [(one.ident, one.native_id) for one in named if isinstance(one, ThreadNamed)] == idents


def test_main_thread_is_named_so(pipe: Pipe) -> None:
    Callback(lambda: None, pipe.sender)()
    (named,) = pipe.sent()
    assert isinstance(named, ThreadNamed)
    assert named.name == "MainThread"


class Watched:
    """Stands for a tracer; `begin_thread` starts a thread that Python's `threading` knows nothing of."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_name == "watched":
            self.events.append(event)
            return self.trace
        return None

    def profile(self, frame: FrameType, event: str, argument: Any) -> None:
        if frame.f_code.co_name == "watched":
            self.events.append(f"profile {event}")


def begin_thread(function: Callable[[], Any]) -> None:
    import _thread

    done = threading.Event()

    def run() -> None:
        try:
            function()
        finally:
            done.set()

    _thread.start_new_thread(run, ())
    assert done.wait(60)


def watched() -> None:
    pass


@pytest.fixture
def watching() -> Iterator[Watched]:
    before = threading.gettrace(), threading.getprofile()
    tracer = Watched()
    yield tracer
    threading.settrace(before[0])
    threading.setprofile(before[1])


def test_tracer_and_profiler_of_threads_are_set(watching: Watched, pipe: Pipe) -> None:
    threading.settrace(watching.trace)
    threading.setprofile(watching.profile)
    begin_thread(Callback(watched, pipe.sender))
    assert [event for event in watching.events if not event.startswith("profile")] == ["call", "line", "return"]
    assert [event for event in watching.events if event.startswith("profile")] == ["profile call", "profile return"]


def test_main_thread_is_left_as_it_is(watching: Watched, pipe: Pipe) -> None:
    before = sys.gettrace(), sys.getprofile()
    threading.settrace(watching.trace)
    threading.setprofile(watching.profile)
    Callback(watched, pipe.sender)()
    assert (sys.gettrace(), sys.getprofile()) == before
    assert watching.events == []


def test_tracer_that_is_there_stays(watching: Watched, pipe: Pipe) -> None:
    found: list[Any] = []
    other = Watched()

    def run() -> None:
        sys.settrace(other.trace)
        Callback(lambda: found.append(sys.gettrace()), pipe.sender)()
        sys.settrace(None)

    threading.settrace(watching.trace)
    begin_thread(run)
    assert found == [other.trace]


@pytest.mark.parametrize(("raises", "status"), [(False, 0), (True, 1)])
def test_fork_does_not_come_back(raises: bool, status: int, pipe: Pipe) -> None:
    """The process that the function forked ends where the function does; it would otherwise go on with this test."""

    def function() -> int:
        pid = os.fork()
        if pid == 0 and raises:
            raise ValueError
        return pid

    callback = Callback(function, pipe.sender)
    callback()
    _, ended = os.waitpid(callback.future.result(0), 0)
    assert os.waitstatus_to_exitcode(ended) == status
