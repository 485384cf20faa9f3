"""What HotSpot writes under -Xcheck:jni, as JDK 17 and 25 write it, and what of it is left out."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_foreignthread.evidence.jni_checks import is_of_checker, last_writer, parse_jni_checks, without_head
from pytest_foreignthread.evidence.merge import read_evidence
from pytest_foreignthread.model.stacks import JavaFrame, JniFinding, NativeFrame

HEAD: Final = """<?xml version='1.0' encoding='UTF-8'?>
<hotspot_log version='160 1' process='19678' time_ms='1795957982060'>
<vm_arguments>
<args>
-Xcheck:jni -Dpassword=swordfish
WARNING in native method: &lt;tty&gt; in an argument
</args>
</vm_arguments>
"""
BEGIN: Final = """<tty>
<writer thread='19678'/>
<blob name='MethodHandlesAdapterBlob' total_size='4224'>
<sect index='1' capacity='4224' size='369' remaining='3855'/>
</blob>
"""
OF_JAVA: Final = """<writer thread='19711'/>
FATAL ERROR in native method: Bad global or local ref passed to JNI
\tat org.jpype.proxy.JPypeProxy.hostInvoke(Native Method)
\t- locked &lt;0x00000000ff000000&gt; (a java.lang.Object)
\tat Feed.&lt;init&gt;(Feed.java:12)
\tat java.lang.Thread.run(java.base@17.0.15/Thread.java:840)
<tty_done stamp='1.288'/>
</tty>
"""
OF_C_17: Final = """WARNING in native method: JNI call made with exception pending
Native frames: (J=compiled Java code, j=interpreted, Vv=VM code, C=native code)
V  [libjvm.so+0x8d8b03]  functionEnter(JavaThread*)+0xa3
V  [libjvm.so+0x8ee203]  checked_jni_FindClass+0x63
C  [libffi.so.8+0x6f7a]

<writer thread='19611'/>
<destroy_vm stamp='1.552'/>
"""
OF_C_25: Final = """WARNING in native method: JNI call made with exception pending
Native frames: (J=compiled Java code, j=interpreted, Vv=VM code, C=native code)
V  [libjvm.so+0xa3f29e]  JavaThread::print_jni_stack()+0xfe
V  [libjvm.so+0xaf8351]  functionEnter(JavaThread*)+0x71
V  [libjvm.so+0xaff9e2]
V  [libjvm.so+0xb0abf8]  checked_jni_FindClass+0x58
C  [libffi.so.8+0x6f7a]
<writer thread='19725'/>
"""
PENDING: Final = "JNI call made with exception pending"
FFI: Final = NativeFrame("libffi.so.8", None, "+0x6f7a")


def in_c(offset: str) -> tuple[NativeFrame, ...]:
    return NativeFrame("libjvm.so", "checked_jni_FindClass", offset), FFI


def test_a_fatal_error_with_java_frames() -> None:
    (found,) = parse_jni_checks(HEAD + BEGIN + OF_JAVA)
    assert found == JniFinding(
        "Bad global or local ref passed to JNI",
        True,
        19711,
        (
            JavaFrame("org.jpype.proxy.JPypeProxy.hostInvoke", None, None, native=True),
            JavaFrame("Feed.<init>", "Feed.java", 12),
            JavaFrame("java.lang.Thread.run", "Thread.java", 840),
        ),
    )
    assert is_of_checker(found)


@pytest.mark.parametrize(("text", "offset"), [(OF_C_17, "+0x63"), (OF_C_25, "+0x58")])
def test_a_warning_of_a_thread_without_java_frames(text: str, offset: str) -> None:
    """Frames of the checker itself tell nothing."""
    assert parse_jni_checks(HEAD + BEGIN + text) == (JniFinding(PENDING, False, 19678, in_c(offset)),)


def test_a_later_part_of_the_file() -> None:
    assert [one.native_id for one in parse_jni_checks(OF_C_17 + OF_JAVA)] == [None, 19711]


def test_the_writer_of_a_later_part_stands_before_it() -> None:
    before = HEAD + BEGIN
    assert [one.native_id for one in parse_jni_checks(OF_C_17 + OF_C_25, last_writer(before))] == [19678, 19611]
    assert last_writer(OF_C_17) == 19611
    assert last_writer("WARNING in native method: a\n") is None


def test_one_after_the_other() -> None:
    found = parse_jni_checks(BEGIN + OF_C_25 + OF_C_17 + OF_JAVA)
    assert [(one.fatal, one.native_id) for one in found] == [(False, 19678), (False, 19725), (True, 19711)]


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_torn_record(cut: int) -> None:
    lines = OF_JAVA.splitlines(keepends=True)[:cut]
    assert [one.fatal for one in parse_jni_checks(BEGIN + "".join(lines))] == [True] * (cut > 1)


@pytest.mark.parametrize("text", [HEAD, HEAD[: len(HEAD) // 2], HEAD + BEGIN, "", "\0" * 100, "[the first 9 bytes"])
def test_nothing_is_found_in(text: str) -> None:
    assert parse_jni_checks(text) == ()


@pytest.mark.parametrize(
    "text", [HEAD, HEAD + BEGIN + OF_JAVA, f"[the first 9 bytes are left out]\n{HEAD[100:]}{BEGIN}"]
)
def test_no_argument_of_the_jvm_is_kept(text: str) -> None:
    assert "swordfish" not in without_head(text)


JDKS_OWN: Final = """WARNING in native method: JNI call made without checking exceptions when required to from GetField
\tat sun.nio.fs.UnixNativeDispatcher.init(java.base@17.0.15/Native Method)
\tat java.lang.Thread.run(java.base@17.0.15/Thread.java:840)
"""
CAPACITY: Final = """WARNING: JNI local refs: 33, exceeds capacity: 32
\tat org.jpype.proxy.JPypeProxy.hostInvoke(Native Method)
"""
HANDLERS: Final = """Warning: SIGSEGV handler modified!
Signal Handlers:
   SIGSEGV: javaSignalHandler in libjvm.so, mask=11100100010111111101111111111110, flags=SA_ONSTACK
  *** Handler was modified!
Consider using jsig library.
"""


@pytest.mark.parametrize("noise", [JDKS_OWN, CAPACITY, HANDLERS])
def test_known_noise_is_left_out(noise: str) -> None:
    assert [one.text for one in parse_jni_checks(noise + OF_C_17 + noise)] == [PENDING]


def test_a_native_method_of_the_projects_is_no_noise() -> None:
    assert len(parse_jni_checks(JDKS_OWN.replace("sun.nio.fs.UnixNativeDispatcher", "org.sunny.Native"))) == 1
    java_below = "\tat java.util.HashMap.put(java.base@17/HashMap.java:1)\n"
    assert len(parse_jni_checks(OF_C_17.partition("\n")[0] + "\n" + java_below)) == 1


def test_a_fatal_error_of_the_jdks_own_code_is_no_noise() -> None:
    assert len(parse_jni_checks(JDKS_OWN.replace("WARNING", "FATAL ERROR"))) == 1


CRITICAL: Final = (
    "Calling other JNI functions in the scope of Get/ReleasePrimitiveArrayCritical or Get/ReleaseStringCritical"
)


def test_a_call_in_a_critical_region() -> None:
    assert parse_jni_checks(f"Warning: {CRITICAL}\n") == (JniFinding(CRITICAL, False, None, ()),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Using JNIEnv in the wrong thread", True),
        ("ReleasePrimitiveArrayCritical: failed bounds check", True),
        ("ReleaseIntArrayElements: called on something allocated by GetPrimitiveArrayCritical", True),
        ("the library's own text", False),
        ("", False),
        ("Using JNIEnv in the wrong thread, says the library", False),
    ],
)
def test_a_text_given_to_fatal_error_is_none_of_the_checkers(text: str, expected: bool) -> None:
    assert [is_of_checker(one) for one in parse_jni_checks(f"FATAL ERROR in native method: {text}\n")] == [expected]


def test_the_evidence_has_what_was_found() -> None:
    assert [one.text for one in read_evidence({"jvm_output": OF_C_17}, {}, {}).jni] == [PENDING]
    assert read_evidence({"stdout": OF_C_17}, {}, {}).jni == ()
