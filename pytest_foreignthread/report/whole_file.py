"""Writes a report to its file completely, or not at all."""

from __future__ import annotations

import secrets
from pathlib import Path


def write(path: Path, text: str) -> None:
    """Replace the file by one with this text, and make its directories. Raise OSError and keep the old file on failure.

    A reader never sees half a report. A pipe or a device, such as /dev/stdout, is written to and not replaced.
    """
    # Resolved, so that a symbolic link stays a link and its target is replaced.
    path = path.resolve()
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    half_done = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        if path.exists():
            # If the user has made the old file private, the new file must be private before anything is written to it.
            half_done.touch(mode=0o600)
            half_done.chmod(path.stat().st_mode)
        half_done.write_text(text, encoding="utf-8")
        half_done.replace(path)
    finally:
        half_done.unlink(missing_ok=True)
