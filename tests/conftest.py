"""What the tests share."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

pytest_plugins = ["pytester", "tests.tiers", "tests.versions"]

# pytest would rewrite the plugin's own modules, and itself, anew in each of the many runs that the tests make.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# There pytest shows texts whole that it else cuts, in two places.
os.environ.pop("CI", None)


# Its deadline is of the machine's speed.
hypothesis.settings.register_profile("without deadline", deadline=None)
hypothesis.settings.load_profile("without deadline")


@pytest.fixture(scope="session", autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Class archives are made once for all workers, and none in the home directory of the person who runs the tests."""
    base = tmp_path_factory.getbasetemp()
    home = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
    home.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(home))
        yield home


@pytest.fixture
def memory_group() -> Iterator[Path]:
    """A memory group below this process's own; cgroup v2 allows none there, v1 allows it to root."""
    paths = re.findall(r"^[0-9]+:memory:(.*)$", Path("/proc/self/cgroup").read_text(), re.MULTILINE)
    if not paths:
        pytest.skip("no memory controller of cgroup v1")
    group = Path("/sys/fs/cgroup/memory") / paths[0].lstrip("/") / f"foreignthread-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no memory group can be made: {error}")
    try:
        yield group
    finally:
        group.rmdir()
