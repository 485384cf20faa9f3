"""What a child asks of Java around its tests, and what one answers that has no JVM: it imports no jpype for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .uncaught import Uncaught


class JavaSide:
    """That of a child without a JVM."""

    def can_go_on(self) -> bool:
        """Whether the next test finds what this one found: a JVM that was shut down cannot be started again."""
        return True

    def uncaught(self) -> list[Uncaught]:
        """Call at the end of each phase: give what no one caught on Java threads meanwhile."""
        return []

    def tell(self) -> None:
        """Say to the parent whose JVM it is; what it was told before was of another test."""
