"""pytest's temporary directories of a run, of which the base has a private name."""

from __future__ import annotations

import contextlib

import pytest


def make_base_folder(session: pytest.Session) -> None:
    """Call before the first fork: let the folder that a run's temporary folders lie in be made here, once.

    pytest makes it when it is first asked for. Each child would make one of its own, and push the user's last three
    out; none would be cleared, for a child does not leave by way of `atexit`.
    """
    if any("tmp_path_factory" in getattr(item, "fixturenames", ()) for item in session.items):
        # A private name, but the fixture's value is out of reach without a test's request. Without it there is a
        # folder for each child, no more.
        factory = getattr(session.config, "_tmp_path_factory", None)
        if factory is not None:
            # Where there is no room, the tests that ask for it say so.
            with contextlib.suppress(OSError):
                factory.getbasetemp()
