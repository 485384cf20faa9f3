"""The order of a run for an archive, as the command line of the process that makes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Order:
    """`lock` and `owner` are inherited descriptors: the lock of the directory `new`, and a pipe that ends with the run.

    `parts` are the parts of the key; the entry has them for a reader.
    """

    library: str
    version: str
    profile: str
    arguments: list[str]
    new: str
    parts: dict[str, Any]
    lock: int
    owner: int
