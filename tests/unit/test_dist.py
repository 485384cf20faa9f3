"""What may not be released is refused, and the workflows run targets of the Makefile."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

import pytest_foreignthread

from ..dist import Refused, check_wheel, main

ROOT: Final = Path(__file__).parents[2]
VERSION: Final = pytest_foreignthread.__version__
WHEEL: Final = f"pytest_foreignthread-{VERSION}-py3-none-any.whl"


@pytest.mark.parametrize(
    ("files", "arguments", "reason"),
    [
        ([], [], "expected one *.whl, got 0: run make dist"),
        ([WHEEL], [], "expected one *.tar.gz, got 0: run make dist"),
        ([WHEEL, "another-1-py3-none-any.whl", "a.tar.gz"], [], "expected one *.whl, got 2: run make dist"),
        (["pytest_foreignthread-0.0.9-py3-none-any.whl", "a.tar.gz"], [], f"expected version {VERSION}, which"),
        ([WHEEL, "a.tar.gz"], ["--tag", "v0.0.9"], f"tag v0.0.9: expected v{VERSION}, which the package has"),
        ([WHEEL, "a.tar.gz"], ["--tag", VERSION], f"tag {VERSION}: expected v{VERSION}, which the package has"),
    ],
)
def test_a_wrong_distribution_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], files: list[str], arguments: list[str], reason: str
) -> None:
    for name in files:
        (tmp_path / name).touch()
    assert main(["--folder", str(tmp_path), *arguments]) == 1
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(("interpreter", "reason"), [("/no/python", "cannot be run"), ("false", "ended with status 1")])
def test_an_interpreter_that_makes_no_environment_is_named(tmp_path: Path, interpreter: str, reason: str) -> None:
    with pytest.raises(Refused, match=f"^{interpreter}: {reason}"):
        check_wheel(tmp_path / WHEEL, tmp_path / "0", interpreter)


def test_each_step_of_a_workflow_is_a_target_of_the_makefile() -> None:
    targets = set(re.findall(r"(?m)^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))]
    commands = [command for text in texts for command in re.findall(r"(?m)^\s*- run: (.*)$|^\s*run: (.*)$", text)]
    words = [(first or second).split() for first, second in commands]
    assert len(words) > 5
    assert [word for word in words if word[0] != "make" or word[1] not in targets] == []
