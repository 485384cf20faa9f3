"""The command `pytest --foreign-thread-doctor`, which runs no tests."""

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
    """Write the findings to stdout, as text or as JSON (`form`), and return the exit status.

    The status is 0 without a problem, 1 with one, and 2 after ^C. Raise UsageError for a wrong option or mode.
    """
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
    """Return the findings as text for the bundles of a run. This takes milliseconds, because it tries nothing."""
    return finding_text.render(at_a_glance(asked, cache))


def write(words: str) -> None:
    """Write to stdout, with escapes for characters that its encoding does not have."""
    # A path may have such characters.
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(words.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    sys.stdout.flush()
