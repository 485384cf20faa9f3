"""The removal of a directory's contents, whatever names they have."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_foreignthread.supervise.removal import remove_contents


def names_of_this_process(count: int) -> list[str]:
    return [f"removed-{os.getpid()}-{number}" for number in range(count)]


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("count", [1, 5])
def test_names_that_a_removal_may_choose(tmp_path: Path, depth: int, count: int) -> None:
    """A test makes them, or a removal that was interrupted leaves them."""
    for name in [*names_of_this_process(count), "a", "b"]:
        inner = tmp_path.joinpath(name, *names_of_this_process(depth))
        inner.mkdir(parents=True)
        (inner / "file").touch()
    folder = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        remove_contents(folder)
    finally:
        os.close(folder)
    assert list(tmp_path.iterdir()) == []


def test_a_removal_that_was_interrupted_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name / "inner" / "more").mkdir(parents=True)
    folder, remove, calls = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY), os.rename, [0]

    def interrupted(*args: object, **kwargs: object) -> None:
        calls[0] += 1
        remove(*args, **kwargs)  # type: ignore[arg-type]
        if calls[0] == 2:
            raise KeyboardInterrupt

    try:
        with monkeypatch.context() as patched:
            patched.setattr(os, "rename", interrupted)
            with pytest.raises(KeyboardInterrupt):
                remove_contents(folder)
        remove_contents(folder)
    finally:
        os.close(folder)
    assert list(tmp_path.iterdir()) == []
