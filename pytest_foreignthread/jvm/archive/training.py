"""The process that makes an archive: `python -m pytest_foreignthread.jvm.archive.training ORDER`.

It forks once for each step, since each needs a JVM of its own: one that does what a test's child does and tells which
classes that took, one that writes these, and one that proves the archive before any test meets it.
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
"""Seconds for which an archive that could not be made is not tried again."""
_LOOK: Final = 0.02


class TrainingError(Exception):
    """No archive came of it; the text says which step failed."""


class RunEndedError(Exception):
    """No one is there to whom the builder belongs."""


def main(text: str) -> None:
    order = Order(**json.loads(text))
    new = Path(order.new)
    # What a JVM may start must keep neither the lock nor the run's pipe.
    for descriptor in (order.lock, order.owner):
        os.set_inheritable(descriptor, False)
    try:
        entry.publish(new, _made(order, new), order.parts)
    except RunEndedError:
        shutil.rmtree(new, ignore_errors=True)
        return
    except TrainingError as error:
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
    # The process boundary: the frames below are the builder's.
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _wait(pid: int, owner: int, end: float) -> int:
    """Return the exit code of a step; end with it when the run has ended."""
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
