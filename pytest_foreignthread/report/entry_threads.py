"""Reads the threads of a report's entry, which `json_report` wrote as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model.stacks import Awaited, Frame, Gil, JavaFrame, Motion, NativeFrame, PythonFrame, Thread, Wait


def threads_of(entry: Mapping[str, Any]) -> tuple[Thread, ...]:
    return tuple(_thread(data) for data in entry.get("threads", ()))


def _thread(data: Mapping[str, Any]) -> Thread:
    return Thread(
        name=data["name"],
        native_id=data["native_id"],
        python_id=None if data["python_id"] is None else int(data["python_id"], 16),
        current=data["current"],
        also_crashed=data["also_crashed"],
        stacks=tuple(tuple(_frame(frame) for frame in stack) for stack in data["stacks"]),
        apart=data["apart"],
        java_state=data["java_state"],
        locks=tuple(data["locks"]),
        gil=None if data["gil"] is None else Gil(data["gil"]),
        waits=tuple(Wait(Awaited(wait["kind"]), wait["what"], wait["owner"]) for wait in data["waits"]),
        motion=None if data["motion"] is None else Motion(data["motion"]),
        seen=tuple(_in_motion(frame) for frame in data["seen"]),
    )


def _in_motion(data: Mapping[str, Any]) -> PythonFrame | JavaFrame:
    frame = _frame(data)
    assert not isinstance(frame, NativeFrame)
    return frame


def _frame(data: Mapping[str, Any]) -> Frame:
    match data["language"]:
        case "c":
            return NativeFrame(data["library"], data["function"], data["offset"])
        case "python":
            return PythonFrame(data["file"], data["line"], data["function"])
        case _:
            return JavaFrame(data["function"], data["file"], data["line"])
