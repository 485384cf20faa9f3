from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import pytest

from pytest_foreignthread.evidence.hs_err import parse_fatal_error
from pytest_foreignthread.model.stacks import FatalError, JavaFrame, NativeFrame

DATA: Final = Path(__file__).parents[1] / "data"
DOCUMENTS: Final = sorted(path.stem.removeprefix("hs_err-") for path in DATA.glob("hs_err-*.txt"))


def parsed(name: str) -> FatalError:
    error = parse_fatal_error((DATA / f"hs_err-{name}.txt").read_text(encoding="utf-8"))
    assert error is not None
    return error


class Head(NamedTuple):
    signal: str | None
    address: str | None
    problematic_frame: str | None
    message: str
    native_id: int


NULL: Final = "0x0000000000000000"
LOOKUP: Final = "C  [libpython3.11.so.1.0+0x1c70bb]  _PyType_Lookup+0x3b"
STRING_AT: Final = "C  [libc.so.6+0x156219]"
MMAP: Final = "C  [mmap.cpython-311-x86_64-linux-gnu.so+0x27ab]  mmap_subscript+0x15b"
NO_MEMORY: Final = (
    "There is insufficient memory for the Java Runtime Environment to continue. "
    "Native memory allocation (malloc) failed to allocate {} bytes. Error detail: AllocateHeap"
)
FULL_HEAP: Final = (
    "Internal Error (debug.cpp:{}), pid={}, tid={}: fatal error: OutOfMemory encountered: Java heap space"
)


def segv(pc: str, pid: int, tid: int) -> str:
    return f"SIGSEGV (0xb) at pc=0x{pc}, pid={pid}, tid={tid}"


HEADS: Final = {
    "java_thread-17": Head(
        "SIGSEGV", "0x0000000000000010", LOOKUP, segv("00007fd0c23c70bb", 27553, 27614), native_id=27614
    ),
    "java_thread-25": Head(
        "SIGSEGV", "0x0000000000000010", LOOKUP, segv("00007fcb095c70bb", 26379, 26444), native_id=26444
    ),
    "main-17": Head("SIGSEGV", NULL, STRING_AT, segv("00007f780e774219", 28162, 28162), native_id=28162),
    "main-25": Head("SIGSEGV", NULL, STRING_AT, segv("00007f75be974219", 26507, 26507), native_id=26507),
    "daemon-25": Head("SIGSEGV", NULL, STRING_AT, segv("00007f3b9e574219", 26824, 26852), native_id=26852),
    "native_thread-17": Head("SIGSEGV", NULL, STRING_AT, segv("00007f709a974219", 28101, 28145), native_id=28145),
    "native_thread-25": Head("SIGSEGV", NULL, STRING_AT, segv("00007f717d174219", 26795, 26815), native_id=26815),
    "sigbus-17": Head(
        "SIGBUS", "0x00007f8a4a16c000", MMAP, "SIGBUS (0x7) at pc=0x00007f8a4b5ca7ab, pid=27756, tid=27852", 27852
    ),
    "sigbus-25": Head(
        "SIGBUS", "0x00007f3c76213000", MMAP, "SIGBUS (0x7) at pc=0x00007f3c775c87ab, pid=26551, tid=26601", 26601
    ),
    # A signal that was sent has no address.
    "sigbus_sent-25": Head(
        "SIGBUS",
        None,
        "C  [libc.so.6+0x8aeec]",
        "SIGBUS (0x7) at pc=0x00007f6e7c8a8eec (sent by kill), pid=26612, tid=26634",
        26634,
    ),
    "vm_thread-17": Head(
        "SIGSEGV",
        None,
        "C  [libc.so.6+0x85f16]",
        "SIGSEGV (0xb) at pc=0x00007f05be0a3f16 (sent by kill), pid=27975, tid=27993",
        27993,
    ),
    "vm_thread-25": Head(
        "SIGSEGV",
        None,
        "C  [libc.so.6+0x85f14]",
        "SIGSEGV (0xb) at pc=0x00007fa3d76a3f14 (sent by kill), pid=26744, tid=26770",
        26770,
    ),
    "unsafe-17": Head(
        "SIGSEGV",
        "0x0000000000000008",
        "V  [libjvm.so+0xed2f94]  Unsafe_PutLong+0x124",
        segv("00007fa8860d2f94", 27877, 27948),
        27948,
    ),
    "unsafe-25": Head(
        "SIGSEGV",
        "0x0000000000000008",
        "V  [libjvm.so+0x123632d]  Unsafe_PutLong+0xad",
        segv("00007fbdfea3632d", 26644, 26684),
        26684,
    ),
    "internal_error-17": Head(None, None, None, FULL_HEAP.format(362, 28260, 28299), 28299),
    "internal_error-25": Head(None, None, None, FULL_HEAP.format(289, 26694, 26734), 26734),
    "memory-17": Head(None, None, None, NO_MEMORY.format(312), 4393),
    "memory-25": Head(None, None, None, NO_MEMORY.format(2064), 4460),
}


def test_every_document_is_in_the_table() -> None:
    assert sorted(HEADS) == DOCUMENTS


@pytest.mark.parametrize("name", DOCUMENTS)
def test_head(name: str) -> None:
    error = parsed(name)
    assert HEADS[name] == (error.signal, error.address, error.problematic_frame, error.message, error.native_id)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_whether_the_signal_was_sent(name: str) -> None:
    assert parsed(name).sent is name.startswith(("sigbus_sent", "vm_thread"))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_jvm(name: str) -> None:
    release = {"17": "(17.0.15+6-Debian-1deb12u1", "25": "Temurin-25.0.3+9 (25.0.3+9-LTS"}[name[-2:]]
    flags = "mixed mode, sharing, tiered, compressed oops, compressed class ptrs, g1 gc, linux-amd64"
    assert parsed(name).jvm == f"OpenJDK 64-Bit Server VM {release}, {flags})"


THREADS: Final = {
    "java_thread-17": ("foreign-1", "_thread_in_native", (0x7FD03EBFF000, 0x7FD03ECFF000)),
    "java_thread-25": ("foreign-1", "_thread_in_native", (0x7FCAE4378000, 0x7FCAE4478000)),
    "unsafe-17": ("foreign-1", "_thread_in_vm", (0x7FA850D4E000, 0x7FA850E4E000)),
    "main-25": ("main", "_thread_in_native", (0x7FFE96FD8000, 0x7FFE970D8000)),
    "daemon-25": ("daemon-1", "_thread_in_native", (0x7F3B6D5FF000, 0x7F3B6D6FF000)),
    "vm_thread-17": (None, None, (0x7F059494F000, 0x7F0594A4F000)),
    "vm_thread-25": (None, None, (0x7FA3B53CD000, 0x7FA3B54CD000)),
    "native_thread-17": (None, None, (0x7F7016800000, 0x7F7017000000)),
    "native_thread-25": (None, None, (0x7F7117800000, 0x7F7118000000)),
}


@pytest.mark.parametrize(("name", "expected"), THREADS.items())
def test_thread(name: str, expected: tuple[str | None, str | None, tuple[int, int]]) -> None:
    error = parsed(name)
    assert (error.thread, error.thread_state, error.stack) == expected


STUB: Final = "~StubRoutines::call_stub"
PROXY: Final = ["org.jpype.proxy.JPypeProxy.hostInvoke", "org.jpype.proxy.JPypeProxy.invoke"]
CALLED: Final = {
    "17": [*PROXY, "jdk.proxy2.$Proxy7.run", "java.lang.Thread.run", STUB],
    "25": [*PROXY, "jdk.proxy2.$Proxy6.run", "java.lang.Thread.runWith", "java.lang.Thread.run", STUB],
}
UNSAFE: Final = [
    "jdk.internal.misc.Unsafe.putLong",
    "jdk.internal.misc.Unsafe.putAddress",
    "jdk.internal.misc.Unsafe.putAddress",
    "sun.misc.Unsafe.putAddress",
    STUB,
]
JAVA_FRAMES: Final = {
    **{name: CALLED[name[-2:]] for name in ("java_thread-17", "java_thread-25", "daemon-25", "sigbus-17", "sigbus-25")},
    **{name: CALLED[name[-2:]] for name in ("internal_error-17", "internal_error-25", "memory-17", "sigbus_sent-25")},
    "unsafe-17": [*UNSAFE, *CALLED["17"]],
    "unsafe-25": [*UNSAFE, *CALLED["25"]],
    **{f"{name}-{version}": [] for name in ("main", "vm_thread", "native_thread") for version in (17, 25)},
    # Compiled ones among them.
    "memory-25": [
        "jdk.internal.misc.Unsafe.compareAndSetReference",
        "java.lang.Class$Atomic.casReflectionData",
        "java.lang.Class.newReflectionData",
        "java.lang.Class.reflectionData",
        "java.lang.Class.privateGetPublicMethods",
        "java.lang.Class.getMethods",
        "org.jpype.manager.TypeManager.createOrdinaryClass",
        "org.jpype.manager.TypeManager.getClass",
        "org.jpype.manager.TypeManager.findClass",
        "org.jpype.manager.TypeManager.findClassForObject",
        STUB,
        *CALLED["25"],
    ],
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_java_frames(name: str) -> None:
    assert parsed(name).java_frames == tuple(JavaFrame(function, None, None) for function in JAVA_FRAMES[name])


def jvm(function: str | None, offset: str) -> NativeFrame:
    return NativeFrame("libjvm.so", function, offset)


NATIVE_FRAMES: Final = {
    "java_thread-17": (NativeFrame("libpython3.11.so.1.0", "_PyType_Lookup", "+0x3b"),),
    "main-25": (NativeFrame("libc.so.6", None, "+0x156219"),),
    "sigbus-25": (NativeFrame("mmap.cpython-311-x86_64-linux-gnu.so", "mmap_subscript", "+0x15b"),),
    # Where HotSpot can walk on, Java's frames stand among them, with the index of the bytecode.
    "unsafe-17": (
        jvm("Unsafe_PutLong", "+0x124"),
        NativeFrame(None, "jdk.internal.misc.Unsafe.putLong", "+0"),
        NativeFrame(None, "jdk.internal.misc.Unsafe.putAddress", "+24"),
        NativeFrame(None, "jdk.internal.misc.Unsafe.putAddress", "+4"),
        NativeFrame(None, "sun.misc.Unsafe.putAddress", "+5"),
        NativeFrame(None, STUB, ""),
        jvm("JavaCalls::call_helper(JavaValue*, methodHandle const&, JavaCallArguments*, JavaThread*)", "+0x302"),
        jvm(
            "jni_invoke_nonstatic(JNIEnv_*, JavaValue*, _jobject*, JNICallType, _jmethodID*, JNI_ArgumentPusher*, "
            "JavaThread*) [clone .constprop.1]",
            "+0x1fc",
        ),
        jvm("jni_CallVoidMethodA", "+0x1b2"),
    ),
}


@pytest.mark.parametrize(("name", "frames"), NATIVE_FRAMES.items())
def test_native_frames(name: str, frames: tuple[NativeFrame, ...]) -> None:
    assert parsed(name).native_frames == frames


@pytest.mark.parametrize(
    ("name", "index", "frame"),
    [
        # With HotSpot's own source in parentheses; with nothing but it; out of memory, names stay as they are linked.
        ("internal_error-25", 0, jvm("VMError::report(outputStream*, bool)", "+0x2bd5")),
        ("memory-25", 0, jvm(None, "+0x128db05")),
        ("memory-25", 11, NativeFrame(None, "jdk.internal.misc.Unsafe.compareAndSetReference", "+0x00000000000000ae")),
        ("memory-25", 14, NativeFrame(None, "java.lang.Class.reflectionData", "+0x0000000000000098")),
        (
            "memory-17",
            -1,
            NativeFrame(
                "_jpype.so",
                "_ZN13JPTypeManager15findClassByNameERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE",
                "+0x30",
            ),
        ),
    ],
)
def test_a_native_frame(name: str, index: int, frame: NativeFrame) -> None:
    assert parsed(name).native_frames[index] == frame


HEAD: Final = (
    "#\n# A fatal error has been detected by the Java Runtime Environment:\n#\n#  SIGSEGV (0xb) at pc=0x1\n#\n"
)


def made(section: str) -> FatalError:
    error = parse_fatal_error(f"{HEAD}\n{section}")
    assert error is not None
    return error


@pytest.mark.parametrize(
    ("line", "frame"),
    [
        ("C  0x0000000000000000", NativeFrame(None, None, "0x0000000000000000")),
        ("C  [a lib+1.so+0x1]  operator+(A const&, A const&)+0x2", None),
        ("V  [libjvm.so+0x12]  f(int)+0x3  (thread.cpp:1)", jvm("f(int)", "+0x3")),
        ("J 7% c2 a.B.c(I)V (5 bytes) @ 0x0f [0x0a+0x05]", NativeFrame(None, "a.B.c", "+0x05")),
        ("j  a.B$$Lambda/0x0000000092030858.run()V+4", NativeFrame(None, "a.B$$Lambda/0x0000000092030858.run", "+4")),
        ("j  a.B$$Lambda$14+0x0008.run()V+4 app//x", NativeFrame(None, "a.B$$Lambda$14+0x0008.run", "+4")),
        ("j  a.B.<init>(La/C;)V+4 java.base@25", NativeFrame(None, "a.B.<init>", "+4")),
    ],
)
def test_rarer_frames(line: str, frame: NativeFrame | None) -> None:
    frame = frame or NativeFrame("a lib+1.so", "operator+(A const&, A const&)", "+0x2")
    assert made(f"Native frames: (J=…)\n{line}\n...<more frames>...\n\n").native_frames == (frame,)


def test_a_list_that_was_begun_again() -> None:
    error = made(
        "Native frames: (J=…)\nC  [libc.so.6+0x1]  read+0x2\n"
        "[error occurred during error reporting (printing native stack (with source info)), id 0xb, SIGSEGV (0xb)]\n\n"
        "Retrying call stack printing without source info...\nNative frames: (J=…)\n"
        "C  [libc.so.6+0x1]  read+0x2\nC  [libc.so.6+0x3]  main+0x4\n\nJava frames: (J=…)\nj  a.B.c()V+1\n\n"
    )
    assert [frame.function for frame in error.native_frames] == ["read", "main"]
    assert error.java_frames == (JavaFrame("a.B.c", None, None),)


def test_a_name_with_quotes_and_brackets() -> None:
    error = made('Current thread (0x01):  JavaThread "a "b" [c" daemon [_thread_in_Java, id=5, stack(0x1,0x2)]\n')
    assert (error.thread, error.thread_state) == ('a "b" [c', "_thread_in_Java")


def test_the_rest_of_the_file_is_not_the_threads() -> None:
    error = made("\n---------------  P R O C E S S  ---------------\n\nStack: [0x1,0x2]\nNative frames:\nC  0x0\n")
    assert (error.stack, error.native_frames) == (None, ())


@pytest.mark.parametrize("text", ["", "\n", "# A fatal error", "Fatal Python error: Aborted\n", "\0", "#\n" * 50])
def test_other_text(text: str) -> None:
    assert parse_fatal_error(text) is None


def test_a_torn_head() -> None:
    error = parse_fatal_error(HEAD.partition(" at pc")[0])
    assert error == FatalError(
        signal=None,
        address=None,
        problematic_frame=None,
        message="A fatal error has been detected by the Java Runtime Environment:",
        jvm=None,
        native_id=None,
        thread=None,
        stack=None,
        native_frames=(),
        java_frames=(),
    )


MAPPED: Final = "7f8e32a00000-7f8e32b00000 r-xp 00000000 08:01 131                        "


@pytest.mark.parametrize(
    ("mapped", "path"),
    [
        (f"{MAPPED}/usr/lib/libfoo.so.1\n", "/usr/lib/libfoo.so.1"),
        (f"{MAPPED}/a b/libfoo.so.1\n{MAPPED}/other/libfoo.so.1\n", "/a b/libfoo.so.1"),
        (f"{MAPPED}/usr/lib/notlibfoo.so.1\n", None),
        ("jvm_args: -Dpath=/usr/lib/libfoo.so.1\n", None),
        (f"{MAPPED}/usr/lib/libfoo.so.1", None),
    ],
)
def test_the_file_of_the_library(mapped: str, path: str | None) -> None:
    section = "Native frames: (J=…)\nC  [libfoo.so.1+0x1]  f+0x2\nC  [libbar.so+0x1]  g+0x2\n\n"
    process = f"---------------  P R O C E S S  ---------------\n\nDynamic libraries:\n{MAPPED}/x/libbar.so\n{mapped}"
    assert made(f"{section}{process}").library_path == path


REGISTERS = """#
# A fatal error has been detected by the Java Runtime Environment:
#
#  SIGSEGV (0xb) at pc=0x00007fc1681aa483, pid=1, tid=2
#

siginfo: si_signo: 11 (SIGSEGV), si_code: 128 (SI_KERNEL), si_addr: 0x0000000000000000

Registers:
RAX=0xdddddddddddddddd, RBX=0x00007fc165e464a0, R8 =0x00007fc1684da120, R10=0x000055f5052c6f20
RIP=0x00007fc1681aa483, EFLAGS=0x0000000000010206, CSGSFS=0x002b000000000033, ERR=0x0000000000000000
  TRAPNO=0x000000000000000d

R11=0x0000000000000001
"""


def test_the_registers_of_a_fault_without_an_address() -> None:
    found = parse_fatal_error(REGISTERS)
    assert found is not None
    assert found.address is None
    assert found.registers == (0xDDDDDDDDDDDDDDDD, 0x7FC165E464A0, 0x7FC1684DA120, 0x55F5052C6F20, 0x7FC1681AA483)


def test_a_fault_with_an_address_needs_no_registers() -> None:
    found = parse_fatal_error(REGISTERS.replace("128 (SI_KERNEL)", "1 (SEGV_MAPERR)"))
    assert found is not None
    assert (found.address, found.registers) == ("0x0000000000000000", ())
