"""`pytest --foreign-thread-doctor`, in place of a run."""

from __future__ import annotations

import sys

import pytest

from ..collect.own_modes import gather
from ..config import options
from ..jvm.archive.use import CacheOfRun
from ..model.choices import MODES
from . import document, finding_text
from .examine import Asked, at_a_glance, everything
from .findings import count


def run(config: pytest.Config, form: str) -> int:
    """Write the block or the document to stdout; give 1 where there is a problem, 2 after ^C. Raise UsageError."""
    own = gather(config)
    asked = Asked(config, options.configured(config, (*MODES, *own)), own)
    try:
        findings = everything(asked)
    except KeyboardInterrupt:
        return pytest.ExitCode.INTERRUPTED
    render = document.render if form == "json" else finding_text.render
    write(render(findings))
    return pytest.ExitCode.TESTS_FAILED if count(findings, "problem") else pytest.ExitCode.OK


def block_of_run(asked: Asked, cache: CacheOfRun | None) -> str:
    """Return the block for the bundles of a run under way; takes milliseconds."""
    return finding_text.render(at_a_glance(asked, cache))


def write(words: str) -> None:
    """Write to stdout what its encoding has, and the rest as escapes."""
    # A path may hold what the terminal's encoding has no sign for.
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(words.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    sys.stdout.flush()
