"""pytest-env: the variables are there for Python and for the JVM, which starts after they are set."""

from __future__ import annotations

from .conftest import RunWith

SUITE = """
    import os
    import pytest

    @pytest.mark.foreign_thread
    def test_it(jvm):
        assert os.environ["COLOUR"] == "blue"
        assert str(jvm.JClass("java.lang.System").getenv("COLOUR")) == "blue"
"""


def test_variables(run_with: RunWith) -> None:
    run = run_with("env", {"pytest.ini": "[pytest]\nenv =\n    COLOUR=blue\n", "test_it.py": SUITE})
    assert run.outcomes == {"test_it": "passed"}, run.output
