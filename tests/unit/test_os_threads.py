from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_foreignthread.evidence.os_threads import parse_os_threads
from pytest_foreignthread.model.stacks import OsThread

HEAD = "# kernel thread id, state, CPU seconds, system call, name\n"
FUTEX = "202 0x7f0a00000010 0x80 0x0 0x0 0x0 0xffffffff 0x7ffd00000000 0x7f0a0000beef"


@pytest.mark.parametrize(
    ("line", "thread"),
    [
        (
            f"913\tS\t0.25\t{FUTEX}\tpool-1-thread-1",
            OsThread(
                913, "pool-1-thread-1", "S", 0.25, (202, 0x7F0A00000010, 0x80, 0, 0, 0, 0xFFFFFFFF), 0x7FFD00000000
            ),
        ),
        ("7\tR\t12.5\trunning\tpython", OsThread(7, "python", "R", 12.5)),
        ("7\tD\t0.0\t-1 0x7ffd0 0x7f0a0\tpython", OsThread(7, "python", "D", 0.0)),
        ("7\tt\t3\t\t", OsThread(7, "", "t", 3.0)),
        ("7\tS\t0.01\t\ta\tb (c)", OsThread(7, "a\tb (c)", "S", 0.01)),
        ("7\tS\t0.01\t202 0x1 0x2\tshort", OsThread(7, "short", "S", 0.01)),
    ],
)
def test_lines(line: str, thread: OsThread) -> None:
    assert parse_os_threads(f"{HEAD}{line}\n") == (thread,)
    assert parse_os_threads(f"{HEAD}{line}\n{line}") == (thread,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEAD,
        "7\tS\t0.1\t\tpython",
        "x\tS\t0.1\t\tpython\n",
        "7\tS\tnan\t\tpython\n",
        "7\tSS\t0.1\t\tpython\n",
        "7\n",
    ],
)
def test_other_text(text: str) -> None:
    assert parse_os_threads(text) == ()


@given(st.text("0123456789.\tSR-x \n") | st.text())
@example(f"{'9' * 5000}\tS\t0.1\t\ta\n")
@example(f"7\tS\t{'9' * 5000}\t\ta\n")
@example(f"7\tS\t0.1\t{'9' * 5000}{' 0x0' * 8}\ta\n")
def test_no_text_raises(text: str) -> None:
    assert len(parse_os_threads(text)) <= text.count("\n")
