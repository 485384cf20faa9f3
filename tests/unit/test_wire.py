from __future__ import annotations

import json
import os
import select
import signal
import threading
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_foreignthread.channel.wire import DEEPEST, Decoder, Sender, encode
from pytest_foreignthread.model.observation import (
    DebuggerEntered,
    DebuggerLeft,
    Elsewhere,
    Finished,
    Holder,
    JvmAdopted,
    JvmFailed,
    Kept,
    Message,
    NotServed,
    PhaseStarted,
    ReportMade,
    SessionStopped,
    ThreadNamed,
    Tried,
    WarningRecorded,
)
from pytest_foreignthread.model.outcomes import Phase

TEXT = st.text()
INTEGER = st.integers(-(2**63), 2**63)
PLAIN = st.recursive(
    st.none() | st.booleans() | INTEGER | TEXT, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner)
)
ELSEWHERE = st.builds(Elsewhere, st.sampled_from(Holder), st.sampled_from(Kept), TEXT)
MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(PhaseStarted, st.sampled_from(Phase)),
    st.builds(ThreadNamed, INTEGER, INTEGER, TEXT),
    st.builds(
        ReportMade, st.dictionaries(TEXT, PLAIN), st.lists(st.tuples(TEXT, TEXT)).map(tuple), st.none() | ELSEWHERE
    ),
    st.builds(WarningRecorded, TEXT, TEXT, TEXT, TEXT, INTEGER, TEXT, TEXT),
    st.builds(JvmFailed, TEXT),
    st.builds(JvmAdopted, TEXT, TEXT),
    st.builds(NotServed, TEXT),
    st.builds(SessionStopped, TEXT, TEXT, st.none() | INTEGER),
    st.builds(DebuggerEntered, st.booleans(), st.floats(allow_nan=False)),
    st.just(DebuggerLeft()),
    st.builds(Tried, TEXT, TEXT, TEXT, INTEGER),
    st.just(Finished()),
)


# No deadline: a machine may be busy.
@settings(deadline=None, max_examples=60)
@given(st.lists(MESSAGES), st.integers(1, 50))
def test_messages_come_back_however_the_stream_is_cut(messages: list[Message], size: int) -> None:
    stream = b"".join(encode(message) for message in messages)
    decoder = Decoder()
    found = [message for start in range(0, len(stream), size) for message in decoder.feed(stream[start : start + size])]
    assert found == messages
    assert (decoder.foreign_lines, decoder.torn) == (0, 0)


@settings(deadline=None, max_examples=60)
@given(st.binary(), MESSAGES)
def test_no_bytes_spoil_the_message_after_them(garbage: bytes, message: Message) -> None:
    decoder = Decoder()
    assert [*decoder.feed(garbage + b"\n"), *decoder.feed(encode(message))][-1] == message


@settings(deadline=None, max_examples=60)
@given(MESSAGES, st.data())
def test_torn_tail_is_a_value(message: Message, data: st.DataObject) -> None:
    whole = encode(message)
    cut = data.draw(st.integers(0, len(whole) - 1))
    decoder = Decoder()
    assert decoder.feed(whole[:cut]) == []
    assert decoder.torn == cut
    assert decoder.feed(whole[cut:]) == [message]


def forged(name: str, fields: object) -> bytes:
    return f"{name}\t{json.dumps(fields)}\n".encode()


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"Finished\n",
        b"Finished\t\n",
        b"ReportMade\t" + b"[" * 100_000 + b"\n",
        forged("Unknown", {}),
        forged("Finished", []),
        forged("Finished", {"more": 1}),
        forged("PhaseStarted", {"phase": "lunch"}),
        forged("PhaseStarted", {"phase": ["call"]}),
        forged("PhaseStarted", "phase"),
        forged("ThreadNamed", {"ident": "1", "native_id": 2, "name": "x"}),
        forged("ThreadNamed", {"ident": 1, "native_id": 2}),
        forged("SessionStopped", {"kind": "exit", "reason": "x", "returncode": "3"}),
        forged("ReportMade", {"report": {}}),
        forged("ReportMade", {"report": [], "exceptions": [], "elsewhere": None}),
        forged("ReportMade", {"report": {}, "exceptions": ["abc"], "elsewhere": None}),
        forged("ReportMade", {"report": {}, "exceptions": 1, "elsewhere": None}),
        forged("ReportMade", {"report": {}, "exceptions": []}),
        forged("ReportMade", {"report": {}, "exceptions": [["a", 1]], "elsewhere": None}),
        forged("ReportMade", {"report": {}, "exceptions": [], "elsewhere": 1}),
        forged("ReportMade", {"report": {}, "exceptions": [], "elsewhere": ""}),
        forged("ReportMade", {"report": {}, "exceptions": [], "elsewhere": {}}),
        forged("ReportMade", {"report": {}, "exceptions": [], "elsewhere": ["main_thread", "local"]}),
        forged("ReportMade", {"report": {}, "exceptions": [], "elsewhere": ["main_thread", "local", 1]}),
        forged("ReportMade", {"report": {}, "exceptions": [], "elsewhere": ["nobody", "local", "a value"]}),
        forged("ReportMade", {"report": {}, "exceptions": [], "elsewhere": ["main_thread", "nowhere", "a value"]}),
        forged("ReportMade", {"report": {}, "exceptions": [], "elsewhere": None, "more": 1}),
        forged("ThreadNamed", {"ident": True, "native_id": 2, "name": "x"}),
    ],
)
def test_line_that_is_no_message_is_counted(line: bytes) -> None:
    decoder = Decoder()
    assert decoder.feed(line + encode(Finished())) == [Finished()]
    assert decoder.foreign_lines == 1


FLOODS: Final = {
    "a line without an end": b"x" * 100,
    "lines that are no messages": b"x" * 99 + b"\n",
    "empty lines": b"\n" * 100,
    "long messages": encode(JvmFailed("x" * 10_000)),
    "short messages": encode(ThreadNamed(1, 1, "")),
    "many values": encode(ReportMade({"x": [[] for _ in range(1000)]})),
    "many values beside a text with commas": encode(
        ReportMade({"x": ',\\\\",[' * 2000, "y": [{} for _ in range(2000)]})
    ),
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_nothing_is_kept_beyond_the_limit(flood: bytes) -> None:
    limit = 1_000_000
    decoder, kept = Decoder(limit), list[Message]()
    tracemalloc.start()
    try:
        for _ in range(limit // len(flood) + 1):
            kept += decoder.feed(flood)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert decoder.exceeded
    assert used <= limit
    assert decoder.feed(b"\n" + encode(Finished())) == []
    assert decoder.torn == 0


def test_a_text_full_of_commas_counts_as_a_text() -> None:
    text = encode(JvmFailed('"[,' * 100_000))
    decoder = Decoder(len(text) + 3000)
    assert decoder.feed(text) == [JvmFailed('"[,' * 100_000)]
    assert not decoder.exceeded


def test_each_test_has_a_limit_of_its_own() -> None:
    one = encode(JvmFailed("x" * 500_000))
    decoder = Decoder(600_000)
    for _ in range(3):
        decoder.begin()
        assert decoder.feed(one) == [JvmFailed("x" * 500_000)]
    assert decoder.feed(one) == []
    assert decoder.exceeded


def test_what_is_too_deep_is_no_message() -> None:
    deep: object = 1
    for _ in range(DEEPEST + 1):
        deep = {"x": [deep]}
    decoder = Decoder()
    assert decoder.feed(encode(ReportMade({"x": deep})) + encode(Finished())) == [Finished()]
    assert decoder.foreign_lines == 1


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    for fd in (read, write):
        try:
            os.close(fd)
        except OSError:
            continue


def read_all(fd: int, decoder: Decoder, count: int) -> list[Message]:
    messages: list[Message] = []
    while len(messages) < count:
        messages += decoder.feed(os.read(fd, 65536))
    return messages


def test_threads_share_a_sender(pipe: tuple[int, int]) -> None:
    sender = Sender(pipe[1], os.getpid())
    sent: list[Message] = [JvmFailed(str(n) * 50_000) for n in range(8)]
    threads = [threading.Thread(target=sender.send, args=(message,)) for message in sent]
    for thread in threads:
        thread.start()
    decoder = Decoder()
    found = read_all(pipe[0], decoder, len(sent))
    for thread in threads:
        thread.join()
    assert sorted(map(str, found)) == sorted(map(str, sent))
    assert decoder.foreign_lines == 0


def test_sender_of_another_process_is_silent(pipe: tuple[int, int]) -> None:
    Sender(pipe[1], os.getppid()).send(Finished())
    os.set_blocking(pipe[0], False)
    with pytest.raises(BlockingIOError):
        os.read(pipe[0], 1)


def test_pipe_without_a_reader_is_remembered(pipe: tuple[int, int]) -> None:
    sender = Sender(pipe[1], os.getpid())
    os.close(pipe[0])
    assert not sender.broken
    sender.send(Finished())
    assert sender.broken


def test_a_long_message_waits_for_room_in_a_descriptor_that_a_test_made_non_blocking(pipe: tuple[int, int]) -> None:
    read, write = pipe
    os.set_blocking(write, False)
    message = JvmFailed("x" * 300_000)
    with ThreadPoolExecutor(1) as pool:
        data = pool.submit(lambda: b"".join(iter(lambda: os.read(read, 65536), b"")))
        Sender(write, os.getpid()).send(message)
        os.close(write)
        assert Decoder().feed(data.result()) == [message]


def test_nothing_is_written_into_a_file_that_took_the_descriptor(pipe: tuple[int, int]) -> None:
    sender = Sender(pipe[1], os.getpid())
    other_read, other_write = os.pipe()
    os.dup2(other_write, pipe[1])
    os.close(other_write)
    sender.send(Finished())
    os.close(pipe[1])
    assert sender.broken
    assert os.read(other_read, 1) == b""
    os.close(other_read)


def test_report_that_json_does_not_take_leaves_the_sender_whole(pipe: tuple[int, int]) -> None:
    sender = Sender(pipe[1], os.getpid())
    with pytest.raises(TypeError):
        sender.send(ReportMade({"a": object()}))
    sender.send(Finished())
    assert read_all(pipe[0], Decoder(), 1) == [Finished()]


def test_message_after_one_that_a_signal_cut_is_whole(pipe: tuple[int, int]) -> None:
    class FromHandler(Exception):
        pass

    def handler(number: int, frame: FrameType | None) -> None:
        raise FromHandler

    def interrupt() -> None:
        while select.select([], [pipe[1]], [], 0)[1]:
            pass
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)

    sender = Sender(pipe[1], os.getpid())
    previous = signal.signal(signal.SIGALRM, handler)
    # Once the pipe is full, as nobody reads it.
    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    try:
        with pytest.raises(FromHandler):
            sender.send(JvmFailed("x" * 1_000_000))
    finally:
        interrupter.join()
        signal.signal(signal.SIGALRM, previous)
    decoder = Decoder()
    os.set_blocking(pipe[0], False)
    with pytest.raises(BlockingIOError):
        read_all(pipe[0], decoder, 1)
    sender.send(Finished())
    assert read_all(pipe[0], decoder, 1) == [Finished()]
    assert decoder.foreign_lines == 1
