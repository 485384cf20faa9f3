"""The process that makes an archive: `python -m pytest_foreignthread.jvm.archive.training ORDER`.

It forks once for each of three steps, because each needs a JVM of its own. The first JVM does what a test's child does
and lists the classes that it loads. The second writes these classes into an archive. The third proves the archive: no
test may be the first to use it.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import select
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn

from ...model.settings import Jvm, Settings
from ...supervise.process.fork import bind_to
from . import entry, folder
from .exercise import exercise
from .kinds import Words, kind_of
from .order import Order

LIMIT: Final = 120.0
"""Seconds for all steps together."""
RETRY_AFTER: Final = 86400.0
"""Seconds until an archive that could not be made is tried again."""
# Seconds between two looks whether a step has ended.
_LOOK: Final = 0.02


class TrainingError(Exception):
    """No archive could be made; the text says which step failed."""


class RunEndedError(Exception):
    """The run that started the builder has ended."""


def main(text: str) -> None:
    order = Order(**json.loads(text))
    new = Path(order.new)
    # A process that the JVM starts must not inherit the lock, which would stay locked, or the pipe of the run.
    for descriptor in (order.lock, order.owner):
        os.set_inheritable(descriptor, False)
    try:
        entry.publish(new, _made(order, new), order.parts)
    except RunEndedError:
        shutil.rmtree(new, ignore_errors=True)
        return
    except TrainingError as error:
        # The log stays in the entry: it says why.
        for path in new.glob("classes*"):
            path.unlink()
        entry.publish_failure(new, str(error), order.parts, RETRY_AFTER)
    with contextlib.suppress(OSError):
        folder.prune(new.parent)


def _made(order: Order, new: Path) -> Path:
    jvm = Jvm(Path(order.library), order.version, "the cache")
    kind = kind_of(jvm)
    if kind is None:
        raise TrainingError("this JDK can make none")
    classes, archive = new / "classes", new / f"classes{kind.suffix}"
    end = time.monotonic() + LIMIT
    settings = functools.partial(_settings, order, jvm)
    _step("record", order, end, lambda: exercise(settings(kind.record(classes)), new, all_modes=True))
    _step("write", order, end, lambda: exercise(settings(kind.write(classes, archive)), new))
    if not archive.is_file():
        raise TrainingError("the JVM wrote nothing")
    _step("prove", order, end, lambda: exercise(settings(kind.prove(archive)), new))
    for path in new.iterdir():
        if path != archive:
            path.unlink()
    archive.chmod(0o400)
    return archive


def _settings(order: Order, jvm: Jvm, more: Words) -> Settings:
    return Settings("new", "new", LIMIT, jvm, jvm_args=(*order.arguments, *more), jvm_profile=order.profile)


def _step(name: str, order: Order, end: float, action: Callable[[], None]) -> None:
    builder = os.getpid()
    pid = os.fork()
    if pid == 0:
        _be_a_step(builder, action)
    status = _wait(pid, order.owner, end)
    if status != 0:
        raise TrainingError(f"step {name} ended with status {status}")


def _be_a_step(builder: int, action: Callable[[], None]) -> NoReturn:
    status = 1
    try:
        bind_to(builder)
        action()
        status = 0
    # The process boundary: nothing may unwind into the frames of the builder that this is a copy of.
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _wait(pid: int, owner: int, end: float) -> int:
    """Wait for a step and return its exit code. Kill the step at `end` (monotonic), or if the run has ended.

    Raise RunEndedError if the run has ended.
    """
    poll = select.poll()
    poll.register(owner, select.POLLIN)
    while True:
        gone, status = os.waitpid(pid, os.WNOHANG)
        if gone:
            return os.waitstatus_to_exitcode(status)
        run_has_ended = bool(poll.poll(_LOOK * 1000))
        if run_has_ended or time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            if run_has_ended:
                raise RunEndedError
            return -int(signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1])
