"""What the starts of children cost a run: the last lines of the run say so once, if the cost is high."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

MANY: Final = 50
"""Number of children up to which a run says nothing: their starts cost too little to bother a user."""
_MOST_CHARACTERS: Final = 200
"""Characters that are shown of a child's text about what a test has left."""


@dataclass
class ChildCosts:
    """Counts the children that served one test because of the isolation, or because of what the test left behind."""

    tests: int = 0
    """Tests of the isolation `test`."""
    seconds: float = 0.0
    """Seconds that these tests waited, all together, before their setups began."""
    retired: int = 0
    """Tests that left something in a child of the isolation `auto`."""
    first_retired: str = ""
    """The node id of the first of these tests, and the child's text about what the test left."""

    def began(self, seconds: float) -> None:
        """Count a test with a child of its own, whose setup began after `seconds`."""
        self.tests += 1
        self.seconds += seconds

    def left(self, nodeid: str, what: str) -> None:
        """Count a test that left something. `what` is the child's text."""
        self.retired += 1
        if not self.first_retired:
            self.first_retired = f"{nodeid}: {shown(what)}"

    def as_data(self) -> dict[str, Any]:
        return dict(vars(self))

    def add(self, data: Mapping[str, Any]) -> None:
        """Add the counts of an xdist worker."""
        other = ChildCosts(**data)
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


def shown(what: str) -> str:
    """Return the child's text about what a test has left, cut and cleaned, because it is untrusted."""
    printable = "".join(char if char.isprintable() else "?" for char in what[:_MOST_CHARACTERS])
    return printable or "its child did not say"
