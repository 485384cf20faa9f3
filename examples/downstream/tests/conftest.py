import pytest

from pytest_foreignthread import OwnMode


@pytest.fixture
def exchange(jvm):
    with jvm.JClass("quotefeed.Exchange")() as exchange:
        yield exchange


@pytest.fixture
def replay():
    return pytest.importorskip("quotefeed._replay", reason="quotefeed._replay was not built: no C compiler")


def on_the_replays_thread(call):
    replay = pytest.importorskip("quotefeed._replay", reason="quotefeed._replay was not built: no C compiler")
    replay.join(replay.start(call, ((),)))


def pytest_foreign_thread_modes(config):
    return {"replay": OwnMode(on_the_replays_thread, needs_jvm=False)}
