"""A round's calls on several threads: the common start, the index, too few threads, what they raise, and the launch."""

from __future__ import annotations

import threading
import unittest
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_foreignthread.child.alternate_stack import AlternateStacks
from pytest_foreignthread.child.calls_at_once import CallsAtOnce, Ended
from pytest_foreignthread.child.java.jvm_arguments import jvm_arguments
from pytest_foreignthread.child.launchers import Launchers
from pytest_foreignthread.child.native import native_launchers
from pytest_foreignthread.child.pytest.raised_at_once import RaisedAtOnce, standing_for_all
from pytest_foreignthread.child.shaken import Shaken
from pytest_foreignthread.config import option_values, stress_options
from pytest_foreignthread.model.modes import OwnMode, has_one_thread
from pytest_foreignthread.model.settings import Jvm, Settings
from pytest_foreignthread.model.stress_choice import Amount, Seed
from pytest_foreignthread.run.stress import options_of_rounds
from pytest_foreignthread.stress.schedule import Schedule

from .sample_options import chosen

LONG: Final = 60.0
SETTINGS: Final = Settings("native", "native", LONG, None)
FLAG: Final = "--foreign-thread-stress-threads"


def on_threads(calls: list[Callable[[], object]]) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize(("given", "number"), [("1", 1), (8, 8), (" 256 ", 256)])
def test_a_number_of_threads(given: object, number: int) -> None:
    assert option_values.stress_threads(given) == number


@pytest.mark.parametrize(
    "given", ["0", 0, "-1", -1, "257", 1000, "eight", "", "8.0", 8.0, "٣", True, None, [8], "9" * 40]
)
def test_what_is_no_number_of_threads_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match=r"^expected a number of threads from 1 to 256, such as 8$"):
        option_values.stress_threads(given)


def test_the_options_that_repeat_a_round_have_its_threads_and_do_not_stop() -> None:
    settings = replace(SETTINGS, rerun_options=("--forked",))
    again = ("--forked", "--foreign-thread-stress=20", "--foreign-thread-stress-seed=7:3")
    assert (*options_of_rounds(settings, 20, Seed(7, 3)),) == again
    settings = replace(settings, stress_threads=8)
    assert (*options_of_rounds(settings, 20, Seed(7, 3)),) == (*again, f"{FLAG}=8")
    settings = replace(settings, stress_threads=1, stress_stop=True)
    assert (*options_of_rounds(settings, 20, Seed(7, 3)),) == (*again, "--foreign-thread-stress-stop=false")


class CommandLine:
    def __init__(self, flag: str, value: str | None) -> None:
        self.given = {flag: value}

    def getoption(self, name: str) -> str | None:
        return self.given.get(name)


@pytest.mark.parametrize("flag", [FLAG, "--foreign-thread-stress-seed", "--foreign-thread-stress-stop"])
@pytest.mark.parametrize(
    ("value", "stress", "marked", "is_wrong"),
    [
        ("8", None, [], True),
        ("8", None, [None, None], True),
        ("1", None, [None], True),
        ("8", None, [None, Amount(3, None)], False),
        ("8", Amount(None, 5.0), [None], False),
        (None, None, [None], False),
    ],
)
def test_options_of_rounds_on_the_command_line_need_rounds(
    flag: str, value: str | None, stress: Amount | None, marked: list[Amount | None], is_wrong: bool
) -> None:
    config: Any = CommandLine(flag, value)
    if not is_wrong:
        stress_options.check_rounds(config, chosen(stress=stress), marked)
        return
    with pytest.raises(pytest.UsageError, match=f"^{flag}: expected a test that runs in rounds, got none: add "):
        stress_options.check_rounds(config, chosen(stress=stress), marked)


def test_the_modes_with_one_thread() -> None:
    own = {"loop": OwnMode(print, has_one_thread=True), "timer": OwnMode(print)}
    assert [has_one_thread(mode, own) for mode in ("main", "same", "loop")] == [True] * 3
    assert not any(has_one_thread(mode, own) for mode in ("new", "pool", "python", "native-pool", "timer"))


def test_calls_begin_together_and_know_their_number() -> None:
    begun, seen = threading.Barrier(8), list[int | None]()
    calls = CallsAtOnce("native", 8, LONG)

    def body() -> None:
        # Only threads that run at the same time pass here.
        begun.wait(LONG)
        seen.append(calls.index)

    on_threads([calls.call(index, body) for index in range(8)])
    assert sorted(index for index in seen if index is not None) == [*range(8)]
    assert calls.index is None


def failure_of(call: Callable[[], object]) -> str:
    with pytest.raises(pytest.fail.Exception) as raised:
        call()
    return str(raised.value)


def test_too_few_threads_are_a_failure_that_says_so() -> None:
    calls, ran = CallsAtOnce("timer", 3, 0.02), list[int]()
    functions = [calls.call(index, lambda: ran.append(1)) for index in range(3)]
    texts = [failure_of(function) for function in functions]
    assert texts[0].startswith("expected 3 calls at once, got 1 in 0.01 s: the mode 'timer' has too few threads; ")
    assert texts == [texts[0]] * 3
    assert "stress_threads=1" in texts[0]
    assert not ran


def test_a_launch_that_fails_lets_the_waiting_calls_go() -> None:
    calls, ended = CallsAtOnce("native", 2, LONG), list[str]()
    waiting = threading.Thread(target=lambda: ended.append(failure_of(calls.call(0, print))))
    waiting.start()
    calls.give_up()
    waiting.join()
    assert len(ended) == 1


NULL: Final = SystemError("<built-in function f> returned NULL without setting an exception")
FAILED, SKIPPED = ValueError("x"), pytest.skip.Exception("not here")
XFAILED, STOPPED = pytest.xfail.Exception("known"), KeyboardInterrupt()


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([None, None], None),
        ([None, FAILED], FAILED),
        ([None, SKIPPED], None),
        ([unittest.SkipTest("no"), None], None),
        ([SKIPPED, SKIPPED], SKIPPED),
        ([SKIPPED, FAILED], FAILED),
        ([SKIPPED, XFAILED, None], XFAILED),
        ([XFAILED, FAILED], FAILED),
        ([FAILED, NULL], NULL),
        ([NULL, STOPPED], STOPPED),
        ([NULL, pytest.exit.Exception("enough")], "enough"),
        ([FAILED, KeyError("second")], FAILED),
    ],
)
def test_the_worst_thread_decides(errors: list[BaseException | None], expected: object) -> None:
    found = standing_for_all([Ended(None, error) for error in errors])
    assert str(found) == expected if isinstance(expected, str) else found is expected


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


class Shower:
    """An item that shows an exception as pytest does, or fails at that."""

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> str:
        if isinstance(excinfo.value, OSError):
            raise RuntimeError
        return f"traceback of {excinfo.value}"


def test_each_different_exception_is_shown_once() -> None:
    errors = [ValueError("a"), None, ValueError("a"), ValueError("b"), ValueError("a"), OSError(), SKIPPED]
    ended = [Ended(None, None if error is None else raised(error)) for error in errors]
    threads, item = RaisedAtOnce(), Shower()
    function = threads.on_threads(lambda number: number, lambda call: ended if call() == 7 else [])
    with pytest.raises(ValueError, match="a") as caught:
        function(7)
    assert [*threads.sections(item, caught.value)] == [  # type: ignore[arg-type]
        (
            "threads",
            "threads 0, 2, 4: ValueError: a (shown above)\nthread 1: passed\nthread 3: ValueError: b\n"
            "thread 5: OSError\nthread 6: Skipped: not here",
        ),
        ("thread 3", "traceback of b"),
        ("thread 5", "OSError: "),
    ]
    assert [*threads.sections(item, ValueError("a"))] == []  # type: ignore[arg-type]


def test_what_is_shown_is_bounded() -> None:
    threads = RaisedAtOnce()
    ended = [Ended(None, raised(ValueError(f"{number}" * 1000))) for number in range(256)]
    with pytest.raises(ValueError, match=r"^0") as caught:
        threads.on_threads(print, lambda _: ended)()
    (_, listed), *others = threads.sections(Shower(), caught.value)  # type: ignore[arg-type]
    assert len(others) == 9
    assert len(listed.splitlines()) == 256
    assert max(map(len, listed.splitlines())) < 300


def test_the_function_returns_a_value_of_its_own() -> None:
    threads = RaisedAtOnce()
    assert threads.on_threads(lambda: 3, lambda call: [Ended(call(), None)])() == 3


def test_the_delay_before_the_function_is_spread_over_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    for _ in range(2):
        shaken = Shaken(Schedule(5, enter_delay=0.004).as_data(), has_jvm=False)
        for function in [shaken.around(lambda: None, apart=True) for _ in range(8)]:
            function()
    assert slept[:8] == slept[8:]
    assert len(set(slept)) == 8
    assert all(0 <= seconds <= 0.004 for seconds in slept)


def test_java_has_a_thread_for_each_call() -> None:
    jvm = Jvm(Path("/jdk/lib/server/libjvm.so"), "25", "a test")

    def numbers(threads: int) -> list[int]:
        settings = Settings("virtual", "virtual", LONG, jvm, stress_threads=threads)
        found = [word for word in jvm_arguments(settings, Path("/scratch")) if "parallelism=" in word]
        return [int(word.partition("=")[2]) for word in found]

    assert numbers(1) == []
    assert len(numbers(40)) == 2
    assert min(numbers(40)) > 40


class Taken(list[Any]):
    """A list whose only element another thread takes between the look and the call."""

    def __len__(self) -> int:
        return 1


def test_threads_share_the_alternate_stacks() -> None:
    stacks = AlternateStacks()
    stacks._free = Taken()
    held: list[object] = []

    def hold() -> None:
        with stacks.for_this_thread():
            held.append(1)

    on_threads([hold])
    assert held == [1]


def test_threads_that_call_at_once_have_one_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    both, pools = threading.Event(), list[int]()

    class Pool:
        def __init__(self, *_: object) -> None:
            pools.append(1)
            # Of two threads in here at once the second one ends the wait; of one nobody does.
            both.set() if len(pools) == 2 else both.wait(0.2)

        def execute(self, job: object) -> None:
            pass

    monkeypatch.setattr(native_launchers, "NativePool", Pool)
    launchers = Launchers(SETTINGS)
    on_threads([lambda: launchers.launch("native-pool", print, lambda _: None)] * 2)
    assert len(pools) == 1
