"""What is known of a descriptor that code of a test may close and take for a file of its own."""

from __future__ import annotations

import os

import pytest

from pytest_foreignthread.channel.descriptor import Descriptor
from pytest_foreignthread.channel.orders import End, Orders, encode_order


def test_a_closed_or_replaced_descriptor_does_not_stand() -> None:
    read, write = os.pipe()
    known = Descriptor(read)
    stood = [known.stands]
    with open(os.devnull) as file:
        os.dup2(file.fileno(), read)
    stood.append(known.stands)
    os.close(read)
    stood += [known.stands, Descriptor(read).stands]
    os.close(write)
    assert stood == [True, False, False, False]


@pytest.mark.parametrize("replaced", [True, False])
def test_no_order_is_read_from_a_file_that_took_the_descriptor(replaced: bool) -> None:
    read, write = os.pipe()
    orders = iter(Orders(read))
    os.write(write, encode_order(End(1)))
    assert next(orders) == End(1)
    other, forged = os.pipe()
    os.write(forged, encode_order(End(2)))
    if replaced:
        os.dup2(other, read)
    else:
        os.close(read)
    assert next(orders, None) is None
    for one in {read, write, other, forged} if replaced else {write, other, forged}:
        os.close(one)
