import glib_mode

from pytest_foreignthread import OwnMode


def pytest_foreign_thread_modes(config):
    return {"glib": OwnMode(glib_mode.on_thread, needs_jvm=False)}
