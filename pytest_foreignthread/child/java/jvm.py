"""The JVM of this process: its start, the default bridge, and the questions that the child asks Java."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shlex
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import jpype

from ...interop.faulthandler_handlers import SHUTDOWN, Handlers
from ...interop.jpype import is_python_exception, own_jar, own_start
from ...interop.running_jvm import RunningJvm, jvm_in_memory
from ...model import documents
from ...model.observation import JvmAdopted
from ...model.settings import Settings
from ..faults import leave_to_hotspot
from ..handlers import HOTSPOT, owner_of
from ..output import diverted
from .jvm_arguments import jvm_arguments

_EXIT_SECONDS: Final = 2.0
"""Seconds that an exit of the JVM gets to end the process."""
_EXIT_POLL_SECONDS: Final = 0.01
# interrupt=False would make JPype set handlers of SIGINT and SIGTERM that call Python without the GIL. HotSpot sets its
# own handlers in both cases; `start` removes them.
_OPTIONS: Final[Mapping[str, Any]] = {"convertStrings": False, "interrupt": True}


class JvmStartError(Exception):
    """The JVM did not start; the text includes what the JVM printed."""


class AttachError(Exception):
    """JPype cannot attach to the running JVM; the text says what to do."""


def is_started() -> bool:
    """Return whether JPype has a running JVM."""
    return bool(jpype.isJVMStarted())


def start(settings: Settings, folder: Path) -> None:
    """Start the JVM that `settings` name, with its own files in `folder`. Raise JvmStartError if it does not start."""
    assert settings.jvm is not None
    words = folder / documents.JVM_START
    # HotSpot chains to the handlers that it finds at its start, so they must be gone before.
    leave_to_hotspot()
    library, class_path = settings.jvm.library, _class_path(settings)
    if not "".join(class_path or ()).isascii():
        # For a path that is not ASCII, JPype loads the classes itself and passes HotSpot an option that does not fit an
        # AOT cache.
        settings = replace(settings, jvm_cache=None)
    answers = Handlers(SHUTDOWN)
    try:
        with diverted(words):
            _start_jvm(*jvm_arguments(settings, folder), jvmpath=str(library), classpath=class_path)
    except Exception as error:
        raise JvmStartError(f"{error}\n{_text(words)}".strip()) from error
    finally:
        answers.put_back()
    _admit_abort()


def _admit_abort() -> None:
    hotspots = Handlers()
    hotspots.admit_abort()
    hotspots.put_back()


def _text(words: Path) -> str:
    try:
        return words.read_text(errors="replace")
    # A test or a cleaner of temporary files may have removed the directory.
    except OSError as error:
        return f"what the JVM printed cannot be read: {error}"


def attach(running: RunningJvm, folder: Path) -> object:
    """Attach JPype to a JVM that another library has started, for as long as the returned object is kept.

    Raise AttachError if JPype cannot attach.
    """
    # Imported here because few children meet a JVM of another library.
    from ...interop.jni import JniError, Machine
    from ...interop.shared_jvm import hand_out

    own = own_jar()
    paths = [*([str(own)] if own is not None else []), *filter(None, jpype.getClassPath().split(os.pathsep))]
    try:
        machine = Machine(running.library)
        handed_out = hand_out(machine)
        machine.append_to_class_path(paths)
        with diverted(folder / documents.JVM_START):
            _start_jvm(jvmpath=running.library)
    # JPype raises OSError and RuntimeError.
    except (JniError, OSError, RuntimeError) as error:
        raise AttachError(
            f"this test needs JPype, its process has a JVM {running.origin}, of which no process can have two, and "
            f"JPype cannot take that one: {error}. Let a fixture of the tests that need that one start it, no conftest "
            "and no module when it is imported; or start it with jpype.startJVM; or leave this test to pytest: "
            "foreign_thread(skip=REASON)"
        ) from error
    return handed_out


def _start_jvm(*arguments: str, jvmpath: str, classpath: list[str] | None = None) -> None:
    own_start()(*arguments, jvmpath=jvmpath, classpath=classpath, **_OPTIONS)


def adopt(settings: Settings, folder: Path) -> JvmAdopted:
    """Take over a JVM that the project has started in this process; its files lie in the places that the JVM chose."""
    for path in settings.classpath:
        jpype.addClassPath(path)
    _give_back_to_python(SHUTDOWN)
    _admit_abort()
    with contextlib.suppress(OSError):
        # HotSpot resolves a relative path against the current directory at its death.
        (folder / documents.ERROR_FILE).write_bytes(os.fsencode(Path.cwd() / _error_file()))
    return JvmAdopted(str(java("java.lang.System").getProperty("java.version")), shlex.join(settings.jvm_args))


def _give_back_to_python(numbers: Iterable[signal.Signals]) -> None:
    """Restore Python's handler, or the default action, of signals that the start of a JVM has taken over.

    A handler that the project has set in Java by `sun.misc.Signal` looks like HotSpot's own, and is removed as well.
    """
    for number in numbers:
        handler = signal.getsignal(number)
        if handler is not None and owner_of(number) == HOTSPOT:
            signal.signal(number, handler)


def _error_file() -> str:
    """Return the path of the hs_err file: the value of the option ErrorFile if it is set, else HotSpot's default."""
    try:
        bean = java("com.sun.management.HotSpotDiagnosticMXBean")
        factory = java("java.lang.management.ManagementFactory")
        named = str(factory.getPlatformMXBean(bean.class_).getVMOption("ErrorFile").getValue())
    # The management modules may be missing, and a JVM that is not HotSpot has no such option.
    except Exception:
        named = ""
    literal = re.sub("%[%p]", lambda found: str(os.getpid()) if found[0] == "%p" else "%", named)
    return literal or f"hs_err_pid{os.getpid()}.log"


def _class_path(settings: Settings) -> list[str] | None:
    """Return the class path with JPype's own jar first; None if the JVM arguments set the class path.

    HotSpot accepts an archive only if the class path starts with the class path of the archive.
    """
    if any(word.startswith("-Djava.class.path=") for word in settings.jvm_args):
        return list(settings.classpath) or None
    own = own_jar()
    users = list(settings.classpath) or jpype.getClassPath().split(os.pathsep)
    return [path for path in (str(own) if own is not None else "", *users) if path]


def wait_while_it_exits() -> None:
    """Wait up to 2 s while the JVM exits; call at the end of a phase in which it ran.

    If JPype says that the JVM has ended, `System.exit` may be on its way to end this process. What the phase raised
    meanwhile is a consequence. libjvm has its JVM until then. After `shutdownJVM` it has none, and the process lives
    on.
    """
    end = time.monotonic() + _EXIT_SECONDS
    while not is_started() and jvm_in_memory() is not None and time.monotonic() < end:
        time.sleep(_EXIT_POLL_SECONDS)


@functools.cache
def java(name: str) -> Any:
    """Return the Java class of that name."""
    return jpype.JClass(name)


def proxy(function: Callable[[], None]) -> Any:
    """Return JPype's proxy of a function as a `java.lang.Runnable`."""
    return jpype.JProxy("java.lang.Runnable", dict={"run": function})


def runnable(made: Any) -> Any:
    """Return the object as a Java Runnable. Raise TypeError if it is none; JPype would accept None as Java's null."""
    if made is None:
        raise TypeError
    return jpype.JObject(made, java("java.lang.Runnable"))


def python_exception(throwable: Any) -> BaseException:
    """Return the Python exception inside a Java exception if a Python callback raised it, else the Java exception."""
    if not is_python_exception(throwable):
        return _as_exception(throwable)
    # JPype unwraps its proxy only if Java throws it, so Java is made to throw it.
    thrower = java("java.lang.invoke.MethodHandles").throwException(java("java.lang.Void").TYPE, throwable.getClass())
    try:
        thrower.invokeWithArguments([throwable])
    except BaseException as error:
        # The first frame is this function's. Before Python 3.12 no other frame is left: JPype drops the traceback.
        own = error.__traceback__
        return error.with_traceback(own.tb_next if own else None)
    return _as_exception(throwable)


def _as_exception(throwable: Any) -> BaseException:
    return throwable if isinstance(throwable, BaseException) else RuntimeError(str(throwable))


def is_java_exception(error: BaseException) -> bool:
    return isinstance(error, jpype.JException)


def set_uncaught_handler(function: Callable[[Any, Any], None]) -> None:
    """Make Java call the function with (thread, throwable) for each exception that ends a thread, on that thread."""
    handler = jpype.JProxy("java.lang.Thread$UncaughtExceptionHandler", dict={"uncaughtException": function})
    java("java.lang.Thread").setDefaultUncaughtExceptionHandler(handler)


def number_of_threads() -> int:
    """Return the number of live threads in this thread's group; HotSpot's own threads are in another group."""
    return int(java("java.lang.Thread").activeCount())


def other_threads() -> list[Any]:
    """Return the live threads of this thread's group, without this thread."""
    thread = java("java.lang.Thread")
    # `enumerate` ignores the threads for which the array has no room, and threads may start meanwhile.
    room = jpype.JArray(thread)(int(thread.activeCount()) + 8)
    found = [room[index] for index in range(thread.enumerate(room))]
    return [one for one in found if not one.equals(thread.currentThread())]
