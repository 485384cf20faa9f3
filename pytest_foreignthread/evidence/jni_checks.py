"""What HotSpot writes to its log file (`-XX:+LogVMOutput`) under `-Xcheck:jni` → calls of JNI that break its rules."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from ..model.stacks import JavaFrame, JniFinding, NativeFrame
from .hs_err import native_frame
from .java_dump import java_frame

_BEGIN: Final = "<tty>\n"
"""The line behind the head of the file, in which HotSpot quotes its arguments and properties."""
_HEAD: Final = "<hotspot_log "
_WRITER: Final = re.compile(r"<writer thread='([0-9]{1,18})'/>")
_FOUND: Final = re.compile(
    r"(?P<fatal>FATAL ERROR|WARNING) in native method: (?P<text>.*)"
    r"|WARNING: (?P<capacity>JNI local refs: [0-9]+, exceeds capacity: [0-9]+)"
    r"|Warning: (?P<critical>Calling other JNI functions in the scope of .*)"
)
_TITLE: Final = "Native frames: "
# FatalError() of JNI writes "FATAL ERROR in native method: " as well, with a text of the caller's. These are the texts
# of HotSpot's jniCheck.cpp, JDK 17 to 25, for errors after which it ends the process.
_FATAL: Final = frozenset(
    {
        "Array element type mismatch in JNI",
        "Bad global or local ref passed to JNI",
        "Field type (instance) mismatch in JNI get/set field operations",
        "Field type (static) mismatch in JNI get/set field operations",
        "Instance field not found in JNI get/set field operations",
        "Invalid global JNI handle passed to DeleteGlobalRef",
        "Invalid local JNI handle passed to DeleteLocalRef",
        "Invalid weak global JNI handle passed to DeleteWeakGlobalRef",
        "JNI Throw called with NULL throwable",
        "JNI Throw called with null throwable",
        "JNI Throw or ThrowNew received a class argument that is not a Throwable or Throwable subclass",
        "JNI received a class argument that is not a class",
        "JNI received a null class",
        "JNI string operation received a non-string",
        "Non-array passed to JNI array operations",
        "Non-static field ID passed to JNI",
        "Null object passed to JNI",
        "Object array expected but not received for JNI array operation",
        "Primitive type array expected but not received for JNI array operation",
        "ReleaseStringChars: release chars failed bounds check.",
        "ReleaseStringUTFChars: release chars failed bounds check.",
        "Static field ID passed to JNI",
        "Static field not found in JNI get/set field operations",
        "Using JNIEnv in non-Java thread",
        "Using JNIEnv in the wrong thread",
        "Wrong field ID passed to JNI",
        "Wrong object class or methodID passed to JNI call",
        "Wrong static field ID passed to JNI",
        "non-weak methodID passed to JNI call",
    }
)
# `GetPrimitiveArrayCritical: failed bounds check`; JDK 25: `…: called on something allocated by …`.
_FATAL_OF_ARRAY: Final = re.compile(
    r"\w+: (?:release array )?failed bounds check.*"
    r"|\w+:? called on something (?:not )?allocated by GetPrimitiveArrayCritical"
)
_OF_THE_JDK: Final = re.compile(r"(?:java|javax|jdk|sun|com\.sun)\.")


@dataclass
class _Reading:
    """A finding whose stack is read at the moment."""

    text: str
    fatal: bool
    native_id: int | None
    java: list[JavaFrame] = field(default_factory=list)
    native: list[NativeFrame] = field(default_factory=list)

    def finding(self) -> JniFinding:
        native = tuple(frame for frame in self.native if _is_of_the_call(frame))
        return JniFinding(self.text, self.fatal, self.native_id, tuple(self.java) or native)


def _is_of_the_call(frame: NativeFrame) -> bool:
    """Return whether a frame is of the function of JNI that was called, or of its caller, and not of the checker."""
    return frame.library != "libjvm.so" or (frame.function or "").startswith("checked_jni_")


def without_head(text: str) -> str:
    """Return the log, or a later part of it, without its head, which quotes arguments that may have secrets."""
    before, begin, after = text.partition(_BEGIN)
    return after if begin else "" if _HEAD in before else text


def last_writer(text: str) -> int | None:
    """Return the kernel's id of the thread that wrote the end of the log; None if the text does not say."""
    found = _WRITER.findall(text)
    return int(found[-1]) if found else None


def parse_jni_checks(text: str, writer: int | None = None) -> tuple[JniFinding, ...]:
    """Return what HotSpot has found, in its order, in a log of JDK 17 to 25 or a later part of it.

    `writer` is the kernel's id of the thread that wrote what stands before the part. Left out is what is known to say
    nothing about the project's own code; see `_is_noise`.
    """
    found = (reading.finding() for reading in _readings(html.unescape(without_head(text)).splitlines(), writer))
    return tuple(one for one in found if not _is_noise(one))


def _readings(lines: Iterable[str], writer: int | None) -> Iterator[_Reading]:
    reading = None
    for line in lines:
        if (named := _WRITER.fullmatch(line)) is not None:
            writer = int(named[1])
        elif (found := _FOUND.fullmatch(line)) is not None:
            if reading is not None:
                yield reading
            reading = _Reading(_text(found), found["fatal"] == "FATAL ERROR", writer)
        elif reading is not None and not _takes(reading, line):
            yield reading
            reading = None
    if reading is not None:
        yield reading


def _text(found: re.Match[str]) -> str:
    return found["text"] or found["capacity"] or found["critical"] or ""


def _takes(reading: _Reading, line: str) -> bool:
    """Return whether the line belongs to the stack of the finding, and add its frame if so."""
    if (java := java_frame(line)) is not None:
        reading.java.append(java)
    elif (native := native_frame(line)) is not None:
        reading.native.append(native)
    else:
        # A line on a monitor of the Java frame above begins with a tab.
        return line.startswith(("\t", _TITLE))
    return True


def is_of_checker(finding: JniFinding) -> bool:
    """Return whether a fatal finding has a text of the checker's own, and not one that C code gave to FatalError()."""
    return finding.fatal and (finding.text in _FATAL or _FATAL_OF_ARRAY.fullmatch(finding.text) is not None)


def _is_noise(finding: JniFinding) -> bool:
    """Return whether a warning is known to say nothing about the project's own code.

    The number of local references is a hint about memory. JPype goes beyond the promised number when it converts
    arrays and collections, and so does the JDK. The other warnings that are left out come from native methods of the
    JDK itself.
    """
    if finding.fatal:
        return False
    newest = finding.frames[0] if finding.frames else None
    own = isinstance(newest, JavaFrame) and newest.native and _OF_THE_JDK.match(newest.function) is not None
    return own or finding.text.startswith("JNI local refs: ")
