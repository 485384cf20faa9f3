"""What JPype costs for each test: `python jpype_alone.py JVM COUNT` forks, starts a JVM, is called back, and leaves.

The JVM has this plugin's own arguments and, where there is one, its class archive; as many children run at once as
there are processors. No pytest is there, and nobody who watches.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from pytest_foreignthread.child.java import jvm
from pytest_foreignthread.jvm.archive.use import CacheOfRun
from pytest_foreignthread.jvm.finding import find_jvm
from pytest_foreignthread.model.settings import Settings


def main(path: str, count: int) -> int:
    settings = _settings(path)
    with tempfile.TemporaryDirectory() as folder:
        started, left, failed = 0, 0, 0
        while left < count:
            if started < count and started - left < (os.cpu_count() or 1):
                _start(settings, Path(folder))
                started += 1
                continue
            _, status = os.wait()
            left += 1
            failed += status != 0
    print(f"{count - failed} JVMs")
    return 1 if failed else 0


def _settings(path: str) -> Settings:
    found = find_jvm(path, "JVM")
    cache = CacheOfRun(wanted=True, clears=False, makes=False)
    cache.prepare(found, (), "quick")
    return cache.given_to(Settings("new", "new", 30.0, found))


def _start(settings: Settings, folder: Path) -> None:
    if os.fork() == 0:
        status = 1
        try:
            own = folder / str(os.getpid())
            own.mkdir()
            jvm.start(settings, own)
            status = 0 if _is_called_back() else 1
        finally:
            os._exit(status)


def _is_called_back() -> bool:
    called: list[bool] = []
    thread = jvm.java("java.lang.Thread")(jvm.proxy(lambda: called.append(True)))
    thread.start()
    thread.join()
    return called == [True]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
