"""Ten races as they are found in bridges between languages. Each test has one, and a window of its own.

A call of a small function stands for the work that lies in the window. Half of the races are in modes with a JVM.
"""

from __future__ import annotations

import ctypes
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

import pytest

two_at_once = pytest.mark.foreign_thread(stress_threads=2)
LONG = 20.0
BLOCK = 1024 * 1024
"""Bytes that malloc maps and free unmaps: a second free, or a read after it, meets no memory."""


class Feed:
    def __init__(self) -> None:
        self.prices: list[int] | None = []

    def put(self, price: int) -> None:
        assert self.prices is not None, "a price came after the feed was closed"
        self.prices.append(price)


@pytest.mark.foreign_thread(mode="new")
def test_late_callback(foreign_thread: Any) -> None:
    """The caller waits 100 ms, and goes on; the callback comes later."""
    feed = Feed()
    future = foreign_thread.submit(feed.put, 7, mode="pool")
    try:
        future.result(timeout=0.1)
    except FutureTimeoutError:
        feed.prices = None
        future.result(timeout=LONG)


class TestLostReference:
    @pytest.fixture
    def foreign_thread_bridge(self, jvm: Any) -> Callable[[Callable[[], None]], Any]:
        def bridge(function: Callable[[], None]) -> Any:
            pointer = weakref.ref(function)

            def run() -> None:
                callback = pointer()
                assert callback is not None, "nobody has kept the callback"
                callback()

            return jvm.JProxy("java.lang.Runnable", dict={"run": run})

        return bridge

    @pytest.mark.foreign_thread(mode="new")
    def test_lost_reference(self) -> None:
        """The bridge points to the callable, and does not keep it."""


class Stock:
    def __init__(self) -> None:
        self.items = [1]

    def take(self) -> None:
        if not self.items:
            # As C that raises without the GIL: ctypes releases it for a function of a CDLL.
            ctypes.CDLL(None).PyErr_Occurred()
        self.items.pop()


@pytest.fixture
def stock() -> Stock:
    return Stock()


@two_at_once
@pytest.mark.foreign_thread(mode="native")
def test_missing_gil_in_one_branch(stock: Stock) -> None:
    """The branch for an empty stock calls Python's API without the GIL; only a race leads there."""
    if stock.items:
        stock.take()


class Handle:
    def __init__(self) -> None:
        self.libc = ctypes.PyDLL(None)
        self.libc.malloc.restype = ctypes.c_void_p
        self.pointer = self.libc.malloc(BLOCK)

    def close(self) -> None:
        if self.pointer is not None:
            pointer = self.pointer
            self.forget()
            self.libc.free(ctypes.c_void_p(pointer))

    def forget(self) -> None:
        self.pointer = None


@pytest.fixture
def handle() -> Handle:
    return Handle()


@two_at_once
@pytest.mark.foreign_thread(mode="native")
def test_double_free(handle: Handle) -> None:
    """Two threads close a handle: the second one looks before the first has forgotten the pointer."""
    handle.close()


def made(key: str) -> list[str]:
    return [key]


@pytest.fixture
def cache() -> dict[str, list[str]]:
    return {}


@two_at_once
@pytest.mark.foreign_thread(mode="pool")
def test_check_then_act_on_a_dict(cache: dict[str, list[str]]) -> None:
    """Two threads find no value for a key, and each makes one."""
    if "key" not in cache:
        value = made("key")
        assert "key" not in cache, "another thread has made the value meanwhile"
        cache["key"] = value


class Account:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.balance = 10

    def move_to(self, other: Account) -> None:
        with self.lock:
            self.balance -= 1
            other.add()

    def add(self) -> None:
        with self.lock:
            self.balance += 1


@pytest.fixture
def accounts() -> tuple[Account, Account]:
    return Account(), Account()


@two_at_once
@pytest.mark.foreign_thread(mode="native", timeout=3)
def test_lock_order_inversion(foreign_thread: Any, accounts: tuple[Account, Account]) -> None:
    """Each thread holds a lock, and waits for that of the other."""
    accounts[foreign_thread.index].move_to(accounts[1 - foreign_thread.index])


class Session:
    def __init__(self, registry: list[Session]) -> None:
        registry.append(self)
        self.name = self.chosen_name()

    def chosen_name(self) -> str:
        return "main"


@pytest.fixture
def registry() -> list[Session]:
    return []


def first_name(registry: list[Session]) -> str:
    while not registry:
        time.sleep(0)
    return registry[0].name


@two_at_once
@pytest.mark.foreign_thread(mode="native")
def test_publication_before_construction(foreign_thread: Any, registry: list[Session]) -> None:
    """An object is in a list that others read before its constructor has ended."""
    if foreign_thread.index == 0:
        Session(registry)
    else:
        assert first_name(registry) == "main"


@pytest.fixture
def answer() -> Future[int]:
    return Future()


def result_of(foreign_thread: Any) -> int:
    index: int = foreign_thread.index
    return index


@two_at_once
@pytest.mark.foreign_thread(mode="native-pool")
def test_future_set_twice(foreign_thread: Any, answer: Future[int]) -> None:
    """Two threads find a future pending, and both set its result."""
    if not answer.done():
        answer.set_result(result_of(foreign_thread))


class Segment:
    """Memory of Java that its owner may release."""

    def __init__(self, jvm: Any) -> None:
        self.arena = jvm.JClass("java.lang.foreign.Arena").ofShared()
        self.memory = self.arena.allocate(8)
        self.byte = jvm.JClass("java.lang.foreign.ValueLayout").JAVA_BYTE
        self.is_attached = True

    def detach(self) -> None:
        self.is_attached = False
        self.arena.close()

    def first(self) -> int:
        return int(self.memory.get(self.byte, 0))


@pytest.fixture
def segment(jvm: Any) -> Segment:
    if jvm.getJVMVersion()[0] < 22:
        pytest.skip("java.lang.foreign is final from JDK 22 on")
    return Segment(jvm)


@two_at_once
@pytest.mark.foreign_thread(mode="new")
def test_detach_while_in_use(foreign_thread: Any, segment: Segment) -> None:
    """One thread detaches memory of Java while another one has seen that it is attached, and reads it."""
    if foreign_thread.index == 0:
        segment.detach()
    elif segment.is_attached:
        assert segment.first() == 0


USERS: dict[int, str] = {}
"""By the kernel's id of a thread, as a library in C keeps such values."""


def first_request() -> None:
    USERS[threading.get_native_id()] = "alice"


def second_request() -> str | None:
    return USERS.get(threading.get_native_id())


@pytest.mark.foreign_thread(mode="pool")
def test_thread_local_reuse(foreign_thread: Any) -> None:
    """A request finds what another one has left on the same thread of a pool."""
    USERS.clear()
    foreign_thread.call(first_request)
    assert foreign_thread.call(second_request) is None, "the user of an earlier request"
