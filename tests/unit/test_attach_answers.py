"""What a JVM answers by its attach socket: an answer that is cut short is no answer."""

from __future__ import annotations

import math

import pytest

from pytest_foreignthread.supervise.probes import attach


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr(attach, "service_thread", lambda _: 1)
    monkeypatch.setattr(attach, "_is_socket", lambda _: True)
    monkeypatch.setattr(attach, "_exchange", lambda *_: request.param)


@pytest.mark.parametrize("answer", [b"0\ndump\n"], indirect=True)
@pytest.mark.usefixtures("answer")
def test_a_whole_answer() -> None:
    assert attach.ask(1, math.inf, "threaddump") == "dump\n"


@pytest.mark.parametrize("answer", [b"", b"0", b"0\n", b"0\ndu", b"0\ndump\nmo"], indirect=True)
@pytest.mark.usefixtures("answer")
def test_an_answer_that_is_cut_short() -> None:
    with pytest.raises(attach.AttachError, match=r"ended in the middle of its answer to threaddump, after \d+ bytes"):
        attach.ask(1, math.inf, "threaddump")


@pytest.mark.parametrize("answer", [b"1\nno such operation", b"101\n", b"x\n"], indirect=True)
@pytest.mark.usefixtures("answer")
def test_a_refusal() -> None:
    with pytest.raises(attach.AttachError, match="the JVM refused threaddump: "):
        attach.ask(1, math.inf, "threaddump")
