"""pytest-mock: what `mocker` patches holds on a foreign thread, and is undone after the test."""

from __future__ import annotations

import pytest

from .conftest import RunWith

SUITE = """
    import os, threading
    import pytest

    pytestmark = pytest.mark.foreign_thread(mode=["main", "new", "pool"])

    @pytest.fixture
    def patched(mocker):
        return mocker.patch("os.getcwd", return_value="nowhere")

    def test_patches(patched, mocker, request):
        abroad = "[main]" not in request.node.name
        assert (threading.current_thread() is not threading.main_thread()) is abroad
        mocker.patch("os.listdir", return_value=["x"])
        assert (os.getcwd(), os.listdir()) == ("nowhere", ["x"])
        patched.assert_called_once_with()
        spy = mocker.spy(os.path, "join")
        os.path.join("a", "b")
        spy.assert_called_once_with("a", "b")

    def test_undone():
        assert os.getcwd() != "nowhere"
        assert os.listdir() != ["x"]
        assert not hasattr(os.path.join, "call_count")

    def test_asserts(mocker):
        mock = mocker.Mock()
        mock(1)
        mock.assert_called_once_with(2)
"""


@pytest.mark.parametrize("isolation", ["test", "module", "session"])
# What a patch leaves could only be met in a shared child.
@pytest.mark.by_default("session")
def test_mocker(run_with: RunWith, isolation: str) -> None:
    run = run_with("pytest_mock", SUITE, f"--foreign-thread-isolation={isolation}")
    words = {"test_patches": "passed", "test_undone": "passed", "test_asserts": "failed"}
    expected = {f"{name}[{mode}]": word for name, word in words.items() for mode in ("main", "new", "pool")}
    assert run.outcomes == expected, run.output
    assert run.output.count("Expected: mock(2)") == 3
