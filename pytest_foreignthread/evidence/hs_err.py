"""An hs_err file, which HotSpot writes when it dies → the head of the file and the stacks of the crashing thread."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, pairwise, takewhile
from typing import TypeVar

from ..model.stacks import FatalError, JavaFrame, NativeFrame

F = TypeVar("F", JavaFrame, NativeFrame)

_MEMORY = "There is insufficient memory for the Java Runtime Environment to continue."
_BEGIN = re.compile(rf"^# *(?:A fatal error has been detected by the Java Runtime Environment|{_MEMORY})", re.MULTILINE)
# Only the text before this line is searched: later sections list all threads and the machine, and have lines that look
# like those on the crashing thread.
_END = re.compile(r"^-+ +P R O C E S S", re.MULTILINE)

_SIGNAL = re.compile(r"(SIG[A-Z0-9]+) \(0x")
_THREAD_ID = re.compile(r"\btid=([0-9]{1,18})\b")
_ADDRESS = re.compile(r"^siginfo: .*\bsi_addr: (0x[0-9a-f]+)", re.MULTILINE)
# A general protection fault of x86-64, by an address that is not canonical. The kernel has no address to tell.
_NO_ADDRESS = re.compile(r"^siginfo: .*\bsi_code: 128 \(SI_KERNEL\)", re.MULTILINE)
# The si_code of a signal that the kernel sends by itself is positive.
_SENT = re.compile(r"^siginfo: .*\bsi_code: (?:0|-[0-9]+) ", re.MULTILINE)
_REGISTER = re.compile(r"\bR[A-Z0-9]{1,2} *=(0x[0-9a-f]{16})\b")
# If one of HotSpot's own threads crashes, the line is `VMThread "VM Thread" [id=…`: only a JavaThread has a state.
_JAVA_THREAD = re.compile(r'^Current thread \(0x[0-9a-f]+\): +\w+ "(.*)" +(?:daemon +)?\[(_thread_\w+),', re.MULTILINE)
_STACK = re.compile(r"^Stack: \[0x([0-9a-f]{1,16}),0x([0-9a-f]{1,16})\]", re.MULTILINE)
# `rlimit (soft/hard): STACK 8192k/infinity , CORE 0k/0k` in its section on the system.
_MAIN_STACK = re.compile(r"^rlimit \(soft/hard\): STACK ([0-9]{1,12})k/", re.MULTILINE)

# `7f8e32a00000-7f8e32b00000 r-xp 00000000 08:01 131 /usr/lib/libc.so.6` in its list of dynamic libraries.
_MAPPED = re.compile(r"[0-9a-f]+-[0-9a-f]+ [-rwxps]{4} .*/")

# `C  [libc.so.6+0x156219]  memcpy+0x2`, `V  [libjvm.so+0x128db05]  VMError::report(…)+0x2bd5  (debug.cpp:289)`
_NATIVE = re.compile(r"[A-Z]\s+\[(?P<library>[^\]]+)(?P<offset>\+0x[0-9a-f]+)\](?:\s+(?P<symbol>.*))?")
_SYMBOL = re.compile(r"(?P<function>.+)(?P<offset>\+0x[0-9a-f]+)(?:\s+\([^()]*\))?")
_UNMAPPED = re.compile(r"[A-Z]\s+(?P<offset>0x[0-9a-f]+)\s*")
# `j  a.B.c()V+9 java.base@25`, `J 644 c2 a.B.c()V java.base@25 (43 bytes) @ 0x… [0x…+0x98]`
_JAVA = re.compile(r"[jJ]\s+(?:[0-9]+%?\s+(?:(?:c1|c2|jvmci)\s+)?)?(?P<function>[^(\s][^(]*)\((?P<rest>.*)")
_COMPILED_OFFSET = re.compile(r"\[0x[0-9a-f]+(\+0x[0-9a-f]+)\]")
# `v  ~StubRoutines::call_stub 0x00007fcaf6738fa6`
_STUB = re.compile(r"v\s+(?P<function>\S+).*")


def parse_fatal_error(text: str) -> FatalError | None:
    """Return the data of a file of JDK 17 to 25; None for any other text. Of a torn file, read the complete lines."""
    begin = _BEGIN.search(text)
    if begin is None:
        return None
    lines = text[begin.start() :].split("\n")[:-1]
    head = [line.lstrip("#").strip() for line in takewhile(lambda line: line.startswith("#"), lines)]
    section = _END.split("\n".join(lines[len(head) :]), maxsplit=1)[0]
    message, thread, stack = _message(head), _JAVA_THREAD.search(section), _STACK.search(section)
    main_stack = _MAIN_STACK.search(text)
    without_address = _NO_ADDRESS.search(section) is not None
    native_id, natives = _THREAD_ID.search("\n".join(head)), _frames(section, "Native frames:", native_frame)
    return FatalError(
        signal=_group(_SIGNAL.match(message)),
        address=None if without_address else _group(_ADDRESS.search(section)),
        problematic_frame=next((below for line, below in pairwise(head) if line == "Problematic frame:"), None),
        message=message,
        jvm=next((line.removeprefix("Java VM: ") for line in head if line.startswith("Java VM: ")), None),
        native_id=None if native_id is None else int(native_id[1]),
        thread=_group(thread),
        stack=None if stack is None else (int(stack[1], 16), int(stack[2], 16)),
        native_frames=natives,
        java_frames=_frames(section, "Java frames:", _java_frame),
        thread_state=None if thread is None else thread[2],
        library_path=_library_path(natives, lines),
        main_stack=None if main_stack is None else int(main_stack[1]) * 1024,
        registers=_registers(section) if without_address else (),
        sent=_SENT.search(section) is not None,
    )


def _registers(section: str) -> tuple[int, ...]:
    listed = section.partition("\nRegisters:\n")[2].partition("\n\n")[0]
    return tuple(int(value, 16) for value in _REGISTER.findall(listed))


def _library_path(frames: Sequence[NativeFrame], lines: Sequence[str]) -> str | None:
    """Return the path of the first frame's library, from the list of mapped files; None if it is not listed."""
    library = frames[0].library if frames else None
    # A path may continue after the library's name: libz.so.1 is libz.so.1.2.13.
    start = f"/{library}" if library else "\0"
    paths = (line[line.index("/") :] for line in lines if start in line and _MAPPED.match(line))
    return next((path for path in paths if path[path.rindex("/") :].startswith(start)), None)


def _group(found: re.Match[str] | None) -> str | None:
    return None if found is None else found[1]


def _message(head: Sequence[str]) -> str:
    """Return the line on the signal, with the reason of an internal error; or the lines on the lack of memory."""
    paragraphs = [list(lines) for empty, lines in groupby(head, key=lambda line: not line) if not empty]
    if not paragraphs:
        return ""
    if paragraphs[0][0].startswith(_MEMORY):
        return " ".join(paragraphs[0][:2])
    return ": ".join(paragraphs[1] if len(paragraphs) > 1 else paragraphs[0])


def _frames(section: str, title: str, parse: Callable[[str], F | None]) -> tuple[F, ...]:
    # The last list with this title: HotSpot may fault while it looks up the names of its own sources, and then begins
    # the list again without them.
    _, _, rest = section.rpartition(f"\n{title}")
    lines = rest.partition("\n\n")[0].partition("\nJava frames:")[0]
    return tuple(frame for line in lines.split("\n") if (frame := parse(line)) is not None)


def native_frame(line: str) -> NativeFrame | None:
    """Return the frame in a line of a stack of HotSpot's; None for any other line."""
    if native := _NATIVE.fullmatch(line):
        symbol = _SYMBOL.fullmatch(native["symbol"] or "")
        if symbol is None:
            return NativeFrame(native["library"], None, native["offset"])
        return NativeFrame(native["library"], symbol["function"], symbol["offset"])
    if unmapped := _UNMAPPED.fullmatch(line):
        return NativeFrame(None, None, unmapped["offset"])
    if java := _JAVA.fullmatch(line):
        return NativeFrame(None, java["function"], next(_java_offsets(java["rest"]), ""))
    stub = _STUB.fullmatch(line)
    return None if stub is None else NativeFrame(None, stub["function"], "")


def _java_offsets(rest: str) -> Iterator[str]:
    """Yield the offsets in the words behind a Java method's name; by hand, as a pattern would take quadratic time."""
    for word in rest.split():
        compiled, (signature, plus, number) = _COMPILED_OFFSET.fullmatch(word), word.rpartition("+")
        if compiled is not None:
            yield compiled[1]
        elif plus and ")" in signature and number.isdecimal() and number.isascii():
            yield plus + number


def _java_frame(line: str) -> JavaFrame | None:
    found = _JAVA.fullmatch(line) or _STUB.fullmatch(line)
    return None if found is None else JavaFrame(found["function"], None, None)
