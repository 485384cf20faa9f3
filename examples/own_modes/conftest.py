"""The modes of this project: each calls Python from a thread of another native library."""

import cpp_mode
import cython_mode
import glib_mode
import qt_mode
import rust_mode

from pytest_foreignthread import OwnMode


def pytest_foreign_thread_modes(config):
    launchers = {
        "glib": glib_mode.on_thread,
        "cpp": cpp_mode.on_thread,
        "cython": cython_mode.on_thread,
        "rust": rust_mode.on_thread,
        "qt": qt_mode.on_pool,
    }
    return {name: OwnMode(launcher, needs_jvm=False) for name, launcher in launchers.items()}
