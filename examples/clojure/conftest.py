from clojure_modes import pytest_foreign_thread_modes, solo_executor  # noqa: F401
