"""How a report reaches its file: as a whole, or not at all."""

from __future__ import annotations

import secrets
from pathlib import Path


def write(path: Path, text: str) -> None:
    """Put the whole text in place of the file, its directories made; raise OSError and leave the old file."""
    # A link stays a link, and a pipe or a device such as /dev/stdout is written to, not replaced.
    path = path.resolve()
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    half_done = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        if path.exists():
            # Who has made the old file private wants that of the new one.
            half_done.touch(mode=0o600)
            half_done.chmod(path.stat().st_mode)
        half_done.write_text(text, encoding="utf-8")
        half_done.replace(path)
    finally:
        half_done.unlink(missing_ok=True)
