"""How the threads beside the one that forks are told, and what a fork does to the warning filters."""

from __future__ import annotations

import _thread
import ctypes
import mmap
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pytest_foreignthread import ThreadsBeforeForkWarning
from pytest_foreignthread.run.threads_before_fork import LeftOut, OtherThreads, native_ids, other_threads
from pytest_foreignthread.supervise.process.fork import fork


@pytest.mark.parametrize(
    ("threads", "words"),
    [
        (OtherThreads(('"a"',)), '"a"'),
        (OtherThreads(native=3), "3 that Python did not start"),
        (OtherThreads(('"a"', '"b"'), 1), '"a", "b", 1 that Python did not start'),
        (OtherThreads(("x",) * 12), f"{'x, ' * 10}2 more of Python's"),
    ],
)
def test_words(threads: OtherThreads, words: str) -> None:
    assert bool(threads)
    assert str(threads) == words


def test_none() -> None:
    assert not OtherThreads()


@pytest.fixture
def waiting() -> Iterator[threading.Event]:
    """Two threads that wait: one of `threading`, one that it knows nothing of."""
    end, running, over = threading.Event(), threading.Event(), threading.Event()

    def nameless() -> None:
        running.set()
        end.wait()
        over.set()

    named = threading.Thread(target=end.wait, name="one that waits")
    named.start()
    _thread.start_new_thread(nameless, ())
    running.wait()
    yield end
    end.set()
    named.join()
    over.wait()


@pytest.mark.usefixtures("waiting")
def test_pythons_threads() -> None:
    found = other_threads(LeftOut(frozenset({"execnet"}))).names
    assert '"one that waits"' in found
    assert f"one that runs {__name__}.nameless" in found
    assert not [name for name in found if name.startswith('"MainThread"')]


def test_whose_a_thread_is() -> None:
    running, end = threading.Event(), threading.Event()

    def waits() -> None:
        running.set()
        end.wait()

    with ThreadPoolExecutor(thread_name_prefix="pool") as pool:
        pool.submit(waits)
        running.wait()
        found = other_threads(LeftOut(frozenset({"execnet"}))).names
        end.set()
    assert f'"pool_0" of {__name__}' in found


def test_the_main_thread_is_another_one_elsewhere() -> None:
    found: list[OtherThreads] = []
    thread = threading.Thread(target=lambda: found.append(other_threads(LeftOut(frozenset({"execnet"})))), name="asks")
    thread.start()
    thread.join()
    assert [name.partition(" of ")[0] for name in found[0].names if "MainThread" in name] == ['"MainThread"']
    assert not [name for name in found[0].names if name.startswith('"asks"')]


def test_the_class_is_one_that_a_filter_can_name() -> None:
    assert ThreadsBeforeForkWarning.__module__ == "pytest_foreignthread"
    assert issubclass(ThreadsBeforeForkWarning, pytest.PytestWarning)


@pytest.mark.usefixtures("waiting")
def test_a_fork_beside_threads_warns_of_nothing() -> None:
    """Python 3.12 and later would."""
    with warnings.catch_warnings(record=True) as recorded:
        warnings.simplefilter("always")
        pid = fork()
        if pid == 0:
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert recorded == []


def test_a_fork_leaves_the_filters_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    others = ("ignore", None, UserWarning, None, 7)
    forked: list[object] = []

    def another_thread_adds_one() -> int:
        assert warnings.filters is before
        forked.append(warnings.filters[0])
        warnings.filters.insert(0, others)  # type: ignore[attr-defined]
        return 1

    monkeypatch.setattr(os, "fork", another_thread_adds_one)
    with warnings.catch_warnings():
        before, content = warnings.filters, list(warnings.filters)
        assert fork() == 1
        assert warnings.filters is before
        assert list(warnings.filters) == [others, *content]
    assert forked[0] not in content


def test_a_fork_that_fails_leaves_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", no_room)
    content = list(warnings.filters)
    with pytest.raises(BlockingIOError):
        fork()
    assert list(warnings.filters) == content


def test_where_each_context_has_filters_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in free-threaded builds of Python 3.14, where the list in the module is not looked at."""

    def sees_another_list() -> int:
        assert warnings.filters is not before
        return 1

    class Flags:
        context_aware_warnings = 1

    monkeypatch.setattr(os, "fork", sees_another_list)
    monkeypatch.setattr(sys, "flags", Flags())
    before = warnings.filters
    assert fork() == 1
    assert warnings.filters is before


@pytest.fixture
def in_libc() -> Iterator[list[int]]:
    """The kernel's ids of two threads that run no Python; the second is not this plugin's."""
    libc = ctypes.CDLL(None)
    semaphore = ctypes.create_string_buffer(64)
    libc.sem_init(semaphore, 0, 0)
    threads: list[ctypes.c_ulong] = []
    ids: list[int] = []
    for _ in range(2):
        before = native_ids()
        threads.append(ctypes.c_ulong())
        libc.pthread_create(ctypes.byref(threads[-1]), None, libc.sem_wait, semaphore)
        ids += native_ids() - before
    yield ids
    for _ in threads:
        libc.sem_post(semaphore)
    for thread in threads:
        libc.pthread_join(thread, None)


def test_a_thread_of_openblas_is_left_out_once(
    tmp_path: Path, in_libc: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    file = tmp_path / "libopenblas.so"
    file.write_bytes(bytes(mmap.PAGESIZE))
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ):
        assert other_threads(LeftOut(native=frozenset(in_libc[:1]))).native == 1
        assert other_threads().native == 1
        assert other_threads(LeftOut(native=frozenset(in_libc))).native == 0
