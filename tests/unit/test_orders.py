"""Orders to a child, through a real pipe."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_foreignthread.channel.orders import End, Order, Orders, RunTest, encode_order

ALL: list[Order] = [
    RunTest(0),
    RunTest(7, 8, last=False),
    RunTest(8, None, last=False),
    End(),
    End(7),
    End("t.py::test"),
]


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    for descriptor in (read, write):
        try:
            os.close(descriptor)
        except OSError:
            continue


def test_each_comes_as_it_was_given(pipe: tuple[int, int]) -> None:
    read, write = pipe
    taken = iter(Orders(read))
    for order in ALL:
        os.write(write, encode_order(order))
        assert next(taken) == order


@pytest.mark.parametrize("size", [1, 7, 50])
def test_pieces_of_any_size(pipe: tuple[int, int], size: int) -> None:
    read, write = pipe
    data = b"".join(map(encode_order, ALL))
    taken, found = iter(Orders(read)), []
    for start in range(0, len(data), size):
        piece = data[start : start + size]
        os.write(write, piece)
        for _ in range(piece.count(b"\n")):
            found.append(next(taken))
    assert found == ALL


def test_an_order_is_awaited_in_a_descriptor_that_a_test_made_non_blocking(pipe: tuple[int, int]) -> None:
    read, write = pipe
    os.set_blocking(read, False)
    taken = iter(Orders(read))
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(next, taken)
        os.write(write, encode_order(ALL[0]))
        assert found.result() == ALL[0]


def test_no_more_can_come_from_a_parent_that_has_gone(pipe: tuple[int, int]) -> None:
    read, write = pipe
    os.write(write, encode_order(ALL[0]) + b'{"order": "RunT')
    os.close(write)
    assert list(Orders(read)) == ALL[:1]


def test_no_more_can_come_through_a_descriptor_that_a_test_closed(pipe: tuple[int, int]) -> None:
    read, _ = pipe
    os.close(read)
    assert list(Orders(read)) == []
