from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from pytest_foreignthread.evidence.python_dump import PythonDump, parse_python_dump, without_stacks
from pytest_foreignthread.model.stacks import PythonFrame, PythonThread

DATA: Final = Path(__file__).parents[1] / "data"
TEST_FILE: Final = "/home/user/project/tests/test_bridge.py"


def parsed(name: str) -> PythonDump:
    return parse_python_dump((DATA / f"{name}.txt").read_text(encoding="utf-8"))


def frames(*places: str) -> tuple[PythonFrame, ...]:
    """Return the frames of `function:line` in the test's file each."""
    found = []
    for function, _, line in (place.partition(":") for place in places):
        found.append(PythonFrame(TEST_FILE, int(line), function))
    return tuple(found)


@pytest.mark.parametrize(
    ("version", "crashed", "main", "ctypes_line", "call_line"),
    [
        ("3.10", 0x7F59693FD6C0, 0x7F599A828B80, 517, 91),
        ("3.11", 0x7F198CD9D6C0, 0x7F19B0433B80, 519, 91),
        ("3.12", 0x7F71A8FDD6C0, 0x7F71DA77BB80, 525, 90),
        ("3.13", 0x7F4D440FF6C0, 0x7F4D696B1B80, 538, 91),
    ],
)
def test_a_segfault(version: str, crashed: int, main: int, ctypes_line: int, call_line: int) -> None:
    string_at = PythonFrame(f"/usr/lib/python{version}/ctypes/__init__.py", ctypes_line, "string_at")
    assert parsed(f"python-segfault-{version}") == PythonDump(
        "Fatal Python error: Aborted",
        (
            PythonThread(crashed, None, True, (string_at, *frames("segfault:31", "run:25"))),
            PythonThread(main, None, False, frames(f"on_java:{call_line}", "<module>:174")),
        ),
    )


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def test_a_fatal_error(version: str) -> None:
    dump = parsed(f"stderr-fatal_error-{version}")
    assert dump.fatal_error == "Fatal Python error: the test's own words"
    assert [(thread.current, thread.frames[0].function) for thread in dump.threads] == [
        (True, "fatal_text"),
        (False, "on_java"),
    ]


def test_a_fatal_error_names_its_function() -> None:
    assert parsed("stderr-named_fatal_error-3.12").fatal_error == "Fatal Python error: some_function: text"


def test_a_fatal_error_after_other_output() -> None:
    dump = parsed("stderr-fatal_error_after_output-3.13")
    assert dump.fatal_error == "Fatal Python error: the test's own words"
    assert dump.threads == (PythonThread(0x7FF2C8E0AB80, None, True, frames("fatal_text:95", "<module>:172")),)


HANGING: Final = ["in_map:157", "parking:144", "blocked:141", "vector_holder:135", "holder:122", "hang:164"]


@pytest.mark.parametrize(
    ("version", "callbacks"),
    [
        ("3.10", ["run:25", *HANGING]),
        ("3.11", ["run:25", *HANGING]),
        ("3.12", HANGING),
        ("3.13", ["run:25", *HANGING]),
    ],
)
def test_a_dump_by_signal(version: str, callbacks: list[str]) -> None:
    dump = parsed(f"python_hang-{version}")
    assert dump.fatal_error is None
    below_run = [thread.frames[-1 if len(thread.frames) == 3 else -2] for thread in dump.threads]
    assert [f"{frame.function}:{frame.line}" for frame in below_run] == callbacks
    assert not any(thread.current for thread in dump.threads)


def test_a_collection_of_garbage_is_no_frame() -> None:
    crashed = parsed("python-garbage-3.12").threads[0]
    assert [frame.function for frame in crashed.frames] == ["string_at", "__del__", "in_gc", "run"]


def test_frames_that_faulthandler_left_out() -> None:
    dump = parsed("python-deep-3.11")
    assert [len(thread.frames) for thread in dump.threads] == [100, 2]
    assert dump.threads[0].frames[99] == PythonFrame(TEST_FILE, 51, "deep")


def test_a_thread_without_frames() -> None:
    dump = parsed("python-no_frame-3.13")
    assert dump.threads[0] == PythonThread(0x7F7E0BCFE6C0, None, False, ())
    assert [thread.current for thread in dump.threads] == [False, True, False]


def test_the_state_of_an_ended_thread_with_the_id_of_another_is_left_out() -> None:
    crashed, main = ["Current thread 0x1 {}", "  one"], ["Thread 0x2 {}", "  two"]
    left, other = ["Thread 0x1 {}", "  <no Python frame>"], ["Thread 0x3 {}", "  <no Python frame>"]
    for states in ([crashed, left, main, other], [crashed, left, left, main, other], [crashed, main, other, left]):
        text = "Fatal Python error: Segmentation fault\n\n" + "\n\n".join("\n".join(one) for one in states) + "\n"
        text = text.replace("{}", "(most recent call first):")
        text = text.replace("  one", '  File "a.py", line 1 in one').replace("  two", '  File "a.py", line 2 in two')
        threads = parse_python_dump(text).threads
        assert [(one.id, one.current, len(one.frames)) for one in threads] == [
            (1, True, 1),
            (2, False, 1),
            (3, False, 0),
        ]


def test_no_thread_is_current_when_hotspots_own_crashed() -> None:
    dump = parsed("python-vm_thread-3.11")
    assert [(thread.id, thread.current) for thread in dump.threads] == [(0x7FA3D7DEEB80, False)]


# As CPython 3.14's Python/traceback.c writes it.
CPYTHON_3_14: Final = """\
Fatal Python error: Segmentation fault

Current thread 0x00007f5b2c3ff6c0 [foreign-1] (most recent call first):
  File "/usr/lib/python3.14/ctypes/__init__.py", line 553 in string_at
plus 4 frames

Thread 0x00007f5b2d3ff6c0 [a [b] (c)] (most recent call first):
  <freed thread state>

Current thread's C stack trace (most recent call first):
  Binary file "/usr/lib/libpython3.14.so.1.0", at _Py_DumpStack+0x42 [0x5b27f7d7147e]
  Binary file "/usr/lib/libc.so.6", at +0x3def0 [0x77b73226bef0]
  <truncated rest of calls>

Extension modules: _jpype (total: 1)
"""


def test_names_and_c_stack_of_3_14() -> None:
    string_at = PythonFrame("/usr/lib/python3.14/ctypes/__init__.py", 553, "string_at")
    assert parse_python_dump(CPYTHON_3_14) == PythonDump(
        "Fatal Python error: Segmentation fault",
        (
            PythonThread(0x7F5B2C3FF6C0, "foreign-1", True, (string_at,)),
            PythonThread(0x7F5B2D3FF6C0, "a [b] (c)", False, ()),
        ),
    )


@pytest.mark.parametrize(
    ("line", "frame"),
    [
        ('  File "a.py", line 3 in f', PythonFrame("a.py", 3, "f")),
        ('  File "a.py", line ??? in f', PythonFrame("a.py", None, "f")),
        ("  File ???, line 3 in ???", PythonFrame("???", 3, "???")),
        ('  File "a", line 1 in b.py", line 3 in <lambda>', PythonFrame('a", line 1 in b.py', 3, "<lambda>")),
        (r'  File "caf\xe9.py", line 3 in f', PythonFrame(r"caf\xe9.py", 3, "f")),
    ],
)
def test_one_thread_alone(line: str, frame: PythonFrame) -> None:
    dump = parse_python_dump(f"Stack (most recent call first):\n{line}\n")
    assert dump == PythonDump(None, (PythonThread(0, None, True, (frame,)),))


def one(ident: int, function: str, kind: str = "Thread") -> str:
    return f'{kind} {ident:#018x} (most recent call first):\n  File "a.py", line 1 in {function}\n'


FATAL: Final = "Fatal Python error: Aborted\n\n"
TORN: Final = "Thread 0x0000000000000001 (most recent call first):\n"
SEVERAL: Final = {
    "the last of two": (one(1, "a") + "\n" + one(2, "b") + one(1, "c") + "\n" + one(2, "d"), "cd"),
    "no empty line, other threads": (one(1, "a") + one(2, "b"), "b"),
    "an empty line, the same thread": (one(1, "a") + "\n" + one(1, "b"), "b"),
    "the fatal one": (one(1, "a") + FATAL + one(1, "b", "Current thread"), "b"),
    "one after output": (one(1, "a") + "output\n" + one(2, "b"), "b"),
    "the last is torn": (one(1, "a") + TORN, "a"),
    "the last is torn in a line": (one(1, "a") + one(1, "b") + '  File "a.py", li', "a"),
    "the only one is torn": (one(1, "a") + "\n" + TORN.replace("1", "2"), "a-"),
    "a torn fatal one counts": (one(1, "a") + FATAL + one(1, "b") + "\n" + TORN.replace("1", "2"), "b-"),
    "a fatal one without threads": (one(1, "a") + FATAL, ""),
    "a fatal one after a fatal one": (FATAL + one(1, "a") + FATAL + one(1, "b"), "b"),
}


@pytest.mark.parametrize(("text", "functions"), SEVERAL.values(), ids=SEVERAL)
def test_several_dumps(text: str, functions: str) -> None:
    """One letter stands for each thread's only frame, a hyphen for none."""
    threads = parse_python_dump(text).threads
    assert "".join(thread.frames[0].function if thread.frames else "-" for thread in threads) == functions


@pytest.mark.parametrize("text", ["", "\n", "Thread 0x1 (most", "Traceback (most recent call last):\n", "\0"])
def test_other_text(text: str) -> None:
    assert parse_python_dump(text) == PythonDump(None, ())


def test_an_error_without_a_dump() -> None:
    dump = parse_python_dump("50 %Fatal Python error: init: text\nPython runtime state: unknown\n")
    assert dump == PythonDump("Fatal Python error: init: text", ())


HEADER: Final = "Thread 0x00007f8a3c1fe6c0 (most recent call first):\n"
SECOND: Final = "Fatal Python error: Bus error\n\n"
CRASHED_DUMPS: Final = {
    "before the first thread": (f"Fatal Python error: Aborted\n\n{SECOND}", []),
    "before the first frame": (f"Fatal Python error: Aborted\n\n{HEADER}{SECOND}", []),
    "twice": (f"Fatal Python error: Aborted\n\n{HEADER}{SECOND}{HEADER}{SECOND}", []),
    "in the second thread": (
        f"Fatal Python error: Aborted\n\nThread 0x1 (most recent call first):\n"
        f'  File "{TEST_FILE}", line 3 in run\n\n{HEADER}{SECOND}',
        ["run"],
    ),
}


@pytest.mark.parametrize(("text", "functions"), CRASHED_DUMPS.values(), ids=CRASHED_DUMPS)
def test_faulthandler_crashes_in_its_own_dump(text: str, functions: list[str]) -> None:
    dump = parse_python_dump(text)
    assert dump.fatal_error == "Fatal Python error: Aborted"
    assert [frame.function for thread in dump.threads for frame in thread.frames] == functions


def test_a_fatal_error_behind_a_whole_dump_is_another_one() -> None:
    """A process that the test forked has died before."""
    frame = f'  File "{TEST_FILE}", line 3 in run\n'
    text = f"Fatal Python error: Aborted\n\n{HEADER}{frame}{SECOND}{HEADER}{frame}"
    assert parse_python_dump(text).fatal_error == "Fatal Python error: Bus error"


OVERRUN = "Debug memory block\n\nFatal Python error: bad trailing pad byte\nPython runtime state: initialized\n\n"
STACK = '(most recent call first):\n  File "t.py", line 9 in test_free\n  ...\n'


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (
            f"{OVERRUN}Current thread 0x00007f1e {STACK}\nThread 0x1f [main] {STACK}\nExtension modules: _jpype\n",
            f"{OVERRUN}Extension modules: _jpype\n(stacks of 2 threads: see above)\n",
        ),
        (f"{OVERRUN}Current thread 0x1 {STACK}", f"{OVERRUN.rstrip()}\n(stack of 1 thread: see above)\n"),
        (f"{OVERRUN}Thread 0x1 {STACK}\nlater\n", f"{OVERRUN}later\n(stack of 1 thread: see above)\n"),
        (OVERRUN, OVERRUN),
        # Nor is the stack of a thread that the report does not have.
        (f"{OVERRUN}Thread 0x2 {STACK}\nlater\n", f"{OVERRUN}Thread 0x2 {STACK}\nlater\n"),
        (f"{OVERRUN}Stack {STACK}", f"{OVERRUN}Stack {STACK}"),
        (
            f"{OVERRUN}Thread 0x2 {STACK}\nThread 0x1 {STACK}\n",
            f"{OVERRUN}Thread 0x2 {STACK}(stack of 1 thread: see above)\n",
        ),
        # A text of the test's own, before any fatal error, stays.
        (f"Thread 0x1 {STACK}", f"Thread 0x1 {STACK}"),
        (f"Thread 0x1 {STACK}{OVERRUN}", f"Thread 0x1 {STACK}{OVERRUN}"),
        ("", ""),
    ],
)
def test_the_stacks_of_a_fatal_error_are_left_out(text: str, left: str) -> None:
    assert without_stacks(text, {0x7F1E, 0x1F, 1}) == left
