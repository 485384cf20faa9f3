"""The end of the side that makes a call."""

from __future__ import annotations

import subprocess
import sys


def test_a_thread_whose_code_takes_the_lock_of_its_end_is_not_waited_for_without_end() -> None:
    program = """if True:
        import importlib.util
        from pytest_foreignthread.child.tasks import PythonThreadTask

        def import_again():
            spec = importlib.util.find_spec("threading")
            spec.loader.exec_module(importlib.util.module_from_spec(spec))

        task = PythonThreadTask(import_again, "name")
        task.result()
        print(task.is_done(), flush=True)
        # Python itself would wait for the thread.
        import os
        os._exit(0)
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=False)
    assert done.stdout == "True\n", done.stderr
