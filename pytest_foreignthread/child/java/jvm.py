"""The JVM of this process: starting it, the default bridge, and what the child asks of Java."""

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
from ...interop.jpype import is_python_exception, own_jar
from ...interop.running_jvm import RunningJvm
from ...model import documents
from ...model.observation import JvmAdopted
from ...model.settings import Settings
from ..faults import leave_to_hotspot
from ..handlers import HOTSPOT, owner_of
from ..output import diverted
from .jvm_arguments import jvm_arguments

_EXIT_SECONDS: Final = 2.0
# With interrupt=False JPype sets handlers for SIGINT and SIGTERM, which call Python without the GIL. HotSpot's own are
# there in any case: `start` takes them away again.
_OPTIONS: Final[Mapping[str, Any]] = {"convertStrings": False, "interrupt": True}


class JvmStartError(Exception):
    """The JVM did not start; the text gives the JVM's own words."""


class AttachError(Exception):
    """JPype cannot take the JVM that runs; the text says what to do."""


def is_started() -> bool:
    return bool(jpype.isJVMStarted())


def start(settings: Settings, folder: Path) -> None:
    """Start the JVM that `settings` name, its own files in `folder`; raise JvmStartError."""
    assert settings.jvm is not None
    words = folder / documents.JVM_START
    leave_to_hotspot()
    library, class_path = settings.jvm.library, _class_path(settings)
    if not "".join(class_path or ()).isascii():
        # JPype then loads the classes itself, and gives HotSpot a word that an AOT cache must not meet.
        settings = replace(settings, jvm_cache=None)
    answers = Handlers(SHUTDOWN)
    try:
        with diverted(words):
            _start_jvm(*jvm_arguments(settings, folder), jvmpath=str(library), classpath=class_path)
    except Exception as error:
        raise JvmStartError(f"{error}\n{words.read_text(errors='replace')}".strip()) from error
    finally:
        answers.put_back()


def attach(running: RunningJvm, folder: Path) -> object:
    """Let JPype take the JVM that something else has started, as long as what this returns is kept.

    Raise AttachError where it cannot.
    """
    # Imported here: few children come to have a JVM of something else.
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
    # JPype's own errors are of these two kinds.
    except (JniError, OSError, RuntimeError) as error:
        raise AttachError(
            f"this test needs JPype, its process has a JVM {running.origin}, of which no process can have two, and "
            f"JPype cannot take that one: {error}. Let a fixture of the tests that need that one start it, no conftest "
            "and no module when it is imported; or start it with jpype.startJVM; or leave this test to pytest: "
            "foreign_thread(skip=REASON)"
        ) from error
    return handed_out


def _start_jvm(*arguments: str, jvmpath: str, classpath: list[str] | None = None) -> None:
    # In the pytest process it may be wrapped, for the sake of that process's faulthandler.
    start_jvm = getattr(jpype.startJVM, "__wrapped__", jpype.startJVM)
    start_jvm(*arguments, jvmpath=jvmpath, classpath=classpath, **_OPTIONS)


def adopt(settings: Settings, folder: Path) -> JvmAdopted:
    """Make do with a JVM that the project has started in this process. Its own files lie where it puts them."""
    for path in settings.classpath:
        jpype.addClassPath(path)
    _give_back_to_python(SHUTDOWN)
    with contextlib.suppress(OSError):
        # HotSpot takes a relative path from the directory that is the current one when it dies.
        (folder / documents.ERROR_FILE).write_bytes(os.fsencode(Path.cwd() / _error_file()))
    return JvmAdopted(str(java("java.lang.System").getProperty("java.version")), shlex.join(settings.jvm_args))


def _give_back_to_python(numbers: Iterable[signal.Signals]) -> None:
    """Let Python's handler, or the default action, answer again what the start of a JVM took away.

    A handler that the project has set in Java, by `sun.misc.Signal`, cannot be told from HotSpot's own and goes too.
    """
    for number in numbers:
        handler = signal.getsignal(number)
        if handler is not None and owner_of(number) == HOTSPOT:
            signal.signal(number, handler)


def _error_file() -> str:
    """Return the path of hs_err of a JVM that was not told where to put it, or was told by an option."""
    try:
        bean = java("com.sun.management.HotSpotDiagnosticMXBean")
        factory = java("java.lang.management.ManagementFactory")
        named = str(factory.getPlatformMXBean(bean.class_).getVMOption("ErrorFile").getValue())
    # The modules of management may be missing; another make of JVM has no such option.
    except Exception:
        named = ""
    literal = re.sub("%[%p]", lambda found: str(os.getpid()) if found[0] == "%p" else "%", named)
    return literal or f"hs_err_pid{os.getpid()}.log"


def _class_path(settings: Settings) -> list[str] | None:
    """Put JPype's own jar first: HotSpot takes an archive that was made with the beginning of the class path."""
    if any(word.startswith("-Djava.class.path=") for word in settings.jvm_args):
        return list(settings.classpath) or None
    own = own_jar()
    users = list(settings.classpath) or jpype.getClassPath().split(os.pathsep)
    return [path for path in (str(own) if own is not None else "", *users) if path]


def wait_while_it_exits() -> None:
    """Call at the end of a phase in which there was one: once JPype says that it is gone, `System.exit` is under way.

    What the phase raised meanwhile is of no account, and the exit is given its time. A test may also have called
    `shutdownJVM`; then nothing comes.
    """
    if not is_started():
        time.sleep(_EXIT_SECONDS)


@functools.cache
def java(name: str) -> Any:
    return jpype.JClass(name)


def proxy(function: Callable[[], None]) -> Any:
    """Return JPype's proxy of a function, as a `java.lang.Runnable`."""
    return jpype.JProxy("java.lang.Runnable", dict={"run": function})


def runnable(made: Any) -> Any:
    """Raise TypeError for what is no Runnable; JPype alone would take None for Java's null."""
    if made is None:
        raise TypeError
    return jpype.JObject(made, java("java.lang.Runnable"))


def python_exception(throwable: Any) -> BaseException:
    """Return the Python exception inside a Java one where a Python callback raised it, else the Java one itself."""
    if not is_python_exception(throwable):
        return _as_exception(throwable)
    # JPype unwraps its proxy only when Java throws it.
    thrower = java("java.lang.invoke.MethodHandles").throwException(java("java.lang.Void").TYPE, throwable.getClass())
    try:
        thrower.invokeWithArguments([throwable])
    except BaseException as error:
        # Before Python 3.12 no other frame is left: JPype keeps the exception without its traceback.
        own = error.__traceback__
        return error.with_traceback(own.tb_next if own else None)
    return _as_exception(throwable)


def _as_exception(throwable: Any) -> BaseException:
    return throwable if isinstance(throwable, BaseException) else RuntimeError(str(throwable))


def is_java_exception(error: BaseException) -> bool:
    return isinstance(error, jpype.JException)


def set_uncaught_handler(function: Callable[[Any, Any], None]) -> None:
    """Let Java call the function with thread and throwable, on that thread, for what no one else caught."""
    handler = jpype.JProxy("java.lang.Thread$UncaughtExceptionHandler", dict={"uncaughtException": function})
    java("java.lang.Thread").setDefaultUncaughtExceptionHandler(handler)


def number_of_threads() -> int:
    """Count the living Java threads but HotSpot's own."""
    return int(java("java.lang.Thread").activeCount())


def other_threads() -> list[Any]:
    """Return the living Java threads but this one and HotSpot's own."""
    thread = java("java.lang.Thread")
    room = jpype.JArray(thread)(int(thread.activeCount()) + 8)
    found = [room[index] for index in range(thread.enumerate(room))]
    return [one for one in found if not one.equals(thread.currentThread())]
