"""The user's arguments for the JVM: those that an archive depends on, and those that exclude an archive of ours."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

VARIABLES: Final = ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS")
"""The environment variables from which HotSpot takes arguments. Only the `java` launcher reads `JDK_JAVA_OPTIONS`."""

# An archive of the user's own, agents, other sources of classes, and files that may have such arguments in them.
_LEAVES_NO_ROOM: Final = re.compile(
    r"-Xshare|-XX:[+-]?\w*(AOT|Shared|Archive|ClassList|DynamicDump|FlightRec)"
    r"|-(agentlib|agentpath|javaagent):|-Xrun|-Xdebug"
    r"|--(patch-module|upgrade-module-path|limit-modules)\b|-Xbootclasspath|-Djava\.(system\.class\.loader|class\.path)="
    r"|@|-XX:(Flags|VMOptionsFile)=|-XX:[+-]ReadVMOptionsFile"
)
# An archive made without these arguments serves beside them. Heaps below 10 GB have the same compressed pointers as the
# default heap, whatever their size.
_OF_NO_ACCOUNT: Final = re.compile(
    r"-D(?!java\.|jdk\.|sun\.)|-Xlog|-Xcheck:jni$|-verbose|-(ea|da|esa|dsa|enable\w*assertions|disable\w*assertions)(:|$)"
    r"|-Xss\d|-Xm[nsx](\d{1,9}|\d{1,7}[kK]|\d{1,4}[mM]|\d[gG])$"
    r"|-XX:(ErrorFile|ReplayDataFile|OnError|OnOutOfMemoryError|HeapDumpPath|NativeMemoryTracking)="
    r"|-XX:[+-](HeapDump|Exit|Crash)OnOutOfMemoryError$"
)


@dataclass(frozen=True)
class JvmWords:
    """Arguments for a JVM by source: those of an argument list, and those of the environment variables that are set."""

    arguments: tuple[str, ...]
    variables: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def ruling_out(self) -> str | None:
        """The first argument that excludes an archive of ours; None if there is none."""
        words = (*self.arguments, *(word for _, words in self.variables for word in words))
        return next((word for word in words if _LEAVES_NO_ROOM.match(word)), None)

    @property
    def significant(self) -> JvmWords:
        """The arguments with which an archive must be made, or the JVM refuses it."""
        return JvmWords(
            _significant(self.arguments), tuple((name, _significant(words)) for name, words in self.variables)
        )


def _significant(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for word in words if not _OF_NO_ACCOUNT.match(word))


def jvm_words(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> JvmWords:
    return JvmWords(tuple(arguments), tuple((name, _split(environ[name])) for name in VARIABLES if environ.get(name)))


def _split(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return tuple(text.split())
