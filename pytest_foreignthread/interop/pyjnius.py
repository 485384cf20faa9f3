"""PyJNIus in a process with a running JVM. At its import PyJNIus starts a JVM, and never looks for a running one."""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from .on_import import OnImport
from .running_jvm import jvm_in_memory

MODULE: Final = "jnius"


class PyjniusBeside:
    """Makes a later import of PyJNIus use the JVM that runs at that time."""

    def __init__(self) -> None:
        self._kept: object = None
        OnImport(MODULE, around=self._attached)

    @contextmanager
    def _attached(self) -> Iterator[None]:
        if (running := jvm_in_memory()) is None:
            yield
            return
        # Imported here because the modules import ctypes, and few tests import PyJNIus.
        from .jni import JniError, Machine
        from .shared_jvm import hand_out

        config: Any = importlib.import_module("jnius_config")
        try:
            machine = Machine(running.library)
            self._kept = hand_out(machine)
            # The last entry of this path has PyJNIus's own classes.
            machine.append_to_class_path(config.expand_classpath().split(config.split_char))
        except JniError as error:
            raise ImportError(f"PyJNIus cannot use the JVM that runs here ({running.library}): {error}") from error
        if options := config.get_options():
            warnings.warn(
                f"PyJNIus takes the JVM that runs already, and its options have no effect: {' '.join(options)}; give "
                "them by foreign_thread_jvm_args",
                stacklevel=2,
            )
        library = Path(running.library)
        home = next((one for one in library.parents if (one / "release").is_file()), library.parent)
        # PyJNIus looks for a Java of its own before it reads JVM_PATH, and raises if it finds none.
        with _variables(JVM_PATH=running.library, JAVA_HOME=str(home)):
            yield


@contextmanager
def _variables(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
