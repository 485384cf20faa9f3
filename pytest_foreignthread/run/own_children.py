"""What the starts of children cost a run, said once at its end where that is much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

MANY: Final = 50
"""Children of which a run says nothing."""
_LONGEST: Final = 200
"""Characters of what a child says that a test has left."""


@dataclass
class OwnChildren:
    """Those that served one test only by choice, and those that did so because of what the test left behind."""

    tests: int = 0
    """Tests of the isolation `test`."""
    seconds: float = 0.0
    """Until the setups of these tests began."""
    retired: int = 0
    """Tests that left something in a child of the isolation `auto`."""
    first_retired: str = ""
    """The first of them, and what it left, in words."""

    def began(self, seconds: float) -> None:
        """Note a test with a child of its own, whose setup began after so many seconds."""
        self.tests += 1
        self.seconds += seconds

    def left(self, nodeid: str, what: str) -> None:
        """Note a test that left something; `what` are the words of its child, which may say anything."""
        self.retired += 1
        if not self.first_retired:
            shown = "".join(char if char.isprintable() else "?" for char in what[:_LONGEST])
            self.first_retired = f"{nodeid}: {shown or 'its child did not say'}"

    def as_data(self) -> dict[str, Any]:
        return dict(vars(self))

    def add(self, data: Mapping[str, Any]) -> None:
        """Add what an xdist worker has noted."""
        other = OwnChildren(**data)
        self.tests += other.tests
        self.seconds += other.seconds
        self.retired += other.retired
        self.first_retired = self.first_retired or other.first_retired

    def lines(self) -> Iterator[str]:
        if self.tests > MANY:
            yield (
                f"foreign-thread: {self.tests} tests had a child each, and waited {self.seconds:.0f} s for its start; "
                "with --foreign-thread-isolation=auto tests share children, which saves most of that"
            )
        if self.retired > MANY:
            yield (
                f"foreign-thread: {self.retired} tests left something in the child that they shared, and another child "
                f"was started after each of them; the first was {self.first_retired}"
            )
