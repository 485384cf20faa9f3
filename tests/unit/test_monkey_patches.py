"""Without gevent and eventlet the modules of this plugin keep the standard library."""

from __future__ import annotations

import subprocess
import sys


def test_nothing_changes_in_a_process_that_nobody_has_patched() -> None:
    program = """if True:
        import sys
        from pytest_foreignthread.interop import monkey_patches
        before = set(sys.modules), list(sys.meta_path)
        monkey_patches.step_around()
        monkey_patches.begin_in_fork()
        print((set(sys.modules), list(sys.meta_path)) == before)
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=False)
    assert done.stdout == "True\n", done.stderr
