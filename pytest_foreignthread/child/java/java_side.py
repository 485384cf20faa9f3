"""What a child asks of Java around its tests, and the answers of a child without a JVM, which must not import jpype."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .jni_warnings import JniWarning
    from .uncaught import Uncaught


class JavaSide:
    """The answers of a child without a JVM."""

    def can_go_on(self) -> bool:
        """Return whether the next test can run in this child: a JVM that was shut down cannot be started again."""
        return True

    def uncaught(self) -> list[Uncaught]:
        """Return the exceptions that no one caught on Java threads in this phase; call at the end of each phase."""
        return []

    def jni_warnings(self) -> list[JniWarning]:
        """Return what HotSpot said about calls of JNI in this phase; call at the end of each phase."""
        return []

    def send_adopted(self) -> None:
        """Send the parent a message if the project has started the JVM; the parent must know that for each test."""
