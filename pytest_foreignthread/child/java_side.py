"""What a child asks of Java around its tests; one without a JVM asks the same, and imports no jpype for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .uncaught import Uncaught


@dataclass(frozen=True)
class JavaSide:
    can_go_on: Callable[[], bool]
    """Whether the next test finds what this one found: a JVM that was shut down cannot be started again."""
    uncaught: Callable[[], list[Uncaught]]
    """To be called at the end of each phase: give what no one caught on Java threads meanwhile."""


def without_jvm() -> JavaSide:
    return JavaSide(lambda: True, list)
