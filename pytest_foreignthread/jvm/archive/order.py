"""What a run wants to have made, as it goes over the command line of the process that makes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Order:
    """`lock` and `owner` are descriptors: the lock of the directory `new`, and a pipe that ends with the run."""

    library: str
    version: str
    profile: str
    arguments: list[str]
    new: str
    parts: dict[str, Any]
    lock: int
    owner: int
