"""The standard library that gevent or eventlet has patched, and the unpatched one that this plugin works with.

The patched functions do the work of the tests: they switch greenlets, and belong to a thread with a hub. The keeper has
no hub, and the threads of the modes do not share one. So the modules of this plugin refer to the unpatched functions,
while the modules of the project, of pytest and of the standard library keep the patched ones.

A conftest may patch before or after the modules of this plugin are imported. So their globals are replaced, and not
what they import.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any, Final

from .on_import import LoaderThen

_PACKAGE: Final = __name__.partition(".")[0]
_PATCHERS: Final = ("gevent.monkey", "eventlet.patcher")
MODULES: Final = frozenset({"gevent"})
"""Top-level modules whose threads a child does not miss: `begin_in_fork` renews them."""
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "_thread": (
        *("LockType", "_ThreadHandle", "_count", "_get_main_thread_ident", "_local", "_make_thread_handle"),
        *("_set_sentinel", "_shutdown", "allocate", "allocate_lock", "exit", "get_ident", "interrupt_main"),
        *("stack_size", "start_joinable_thread", "start_new", "start_new_thread"),
    ),
    "os": (
        *("close", "fdopen", "fork", "forkpty", "open", "posix_spawn", "posix_spawnp", "read", "wait", "waitpid"),
        "write",
    ),
    "select": ("epoll", "poll", "select"),
    "signal": ("getsignal", "set_wakeup_fd", "signal"),
    "socket": ("SocketType", "create_connection", "fromfd", "socket", "socketpair"),
    "time": ("sleep",),
}
"""What the two replace or remove, of the modules whose functions call the kernel."""
_COPIED: Final = ("queue", "selectors", "subprocess", "concurrent.futures._base")
"""Modules in Python above those and `threading`, in the order of their imports. Their functions look up the patched
ones at each call, so a copy of each module is made."""
_SIGNS: Final = (
    *(("threading", "get_ident"), ("threading", "Lock"), ("time", "sleep"), ("socket", "socket"), ("os", "waitpid")),
    *(("os", "read"), ("select", "select"), ("signal", "signal"), ("queue", "SimpleQueue"), ("subprocess", "Popen")),
)
"""One object or two of each part that can be patched for itself."""
_OF_TEST: Final = frozenset({"child.dropped", "child.finalization", "child.process_looks"})
"""Modules that look at, or set, what the test's code sees. They call nothing that waits."""
_Original = Callable[[str, str], Any]


def step_around() -> None:
    """Let this plugin's modules use the unpatched standard library; do nothing if nobody has patched it.

    Call it again when code of the project may have run since: a test file may patch at its import.
    """
    if any(name in sys.modules for name in _PATCHERS):
        finder = next((one for one in sys.meta_path if isinstance(one, _Finder)), None) or _Finder()
        finder.look()


def begin_in_fork() -> None:
    """Let the hub of the main thread go on in this fork. Call it in the child, before code of the project runs.

    The two processes share the kernel's list of the hub's files until then: each would change that of the other.
    """
    if (gevent := sys.modules.get("gevent")) is not None:
        gevent.reinit()
    if (hubs := sys.modules.get("eventlet.hubs")) is not None and hasattr(hubs._threadlocal, "hub"):
        # A new hub at the next use: eventlet has no function that lets a hub go on.
        hubs.use_hub()


def _state() -> tuple[int, ...]:
    """Return what differs after any part of the standard library was patched."""
    return tuple(id(getattr(import_module(module), name, None)) for module, name in _SIGNS)


class _Finder(importlib.abc.MetaPathFinder):
    """Replaces the globals of this plugin's modules, also of those that are imported later."""

    def __init__(self) -> None:
        self._seen: tuple[int, ...] = ()
        self._kept: list[object] = []
        """The keys of `_replacements`, whose ids must not become another object's."""
        self._replacements: dict[int, object] = {}

    def look(self) -> None:
        if self._seen == (now := _state()):
            return
        if pairs := list(_replaced()):
            for patched, unpatched in pairs:
                self._add(patched, unpatched)
            for name, module in list(sys.modules.items()):
                if name.startswith(f"{_PACKAGE}."):
                    self._replace_in(module)
            if self not in sys.meta_path:
                sys.meta_path.insert(0, self)
        self._seen = now

    def _add(self, patched: object, unpatched: object) -> None:
        earlier = self._replacements.get(id(patched))
        for one in (patched, earlier):
            if one is not None and one is not unpatched:
                self._replacements[id(one)] = unpatched
                self._kept.append(one)

    def _replace_in(self, module: ModuleType) -> None:
        if module.__name__ == __name__ or module.__name__.removeprefix(f"{_PACKAGE}.") in _OF_TEST:
            return
        names = vars(module)
        names.update(
            {name: self._replacements[id(one)] for name, one in names.items() if id(one) in self._replacements}
        )

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not fullname.startswith(f"{_PACKAGE}."):
            return None
        others = (finder.find_spec(fullname, path, target) for finder in sys.meta_path if finder is not self)
        spec = next((found for found in others if found is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader = LoaderThen(spec.loader, self._replace_in)
        return spec


def _replaced() -> Iterator[tuple[object, object]]:
    """Yield (object of the patched standard library, its replacement)."""
    originals: dict[str, dict[str, Any]] = {}
    for name, names in _NAMES.items():
        module = import_module(name)
        for original in _patchers_of(name):
            for one in names:
                found = original(name, one)
                if found is not None and getattr(module, one, None) is not found:
                    originals.setdefault(name, {})[one] = found
                    yield getattr(module, one, found), found
    if not originals and import_module("subprocess").Popen.__module__ == "subprocess":
        return
    modules = {name: _with(import_module(name), found) for name, found in originals.items()}
    if "_thread" in modules:
        modules["threading"] = _copy_of_threading(modules["_thread"])
    for name in _COPIED:
        modules[name] = _copy_of(name, modules)
    yield from ((sys.modules[name], replacement) for name, replacement in modules.items())
    yield wait, modules["concurrent.futures._base"].wait
    if "threading" in modules:
        yield Future, _future_of(modules["threading"])
        for one in ("Lock", "RLock", "Thread", "Event", "Condition", "get_ident", "local"):
            yield getattr(threading, one), getattr(modules["threading"], one)


def _patchers_of(name: str) -> Iterator[_Original]:
    """Yield the function of each patcher of a module that returns an original; it returns None if there is none."""
    if (monkey := sys.modules.get("gevent.monkey")) is not None and monkey.is_module_patched(name):
        get_original = monkey.get_original

        def of_gevent(module: str, one: str) -> Any:
            try:
                return get_original(module, one)
            except AttributeError:
                return None

        yield of_gevent
    patcher = sys.modules.get("eventlet.patcher")
    # eventlet has one word for all modules of threads.
    if patcher is not None and patcher.is_monkey_patched("thread" if name == "_thread" else name):
        original = patcher.original
        yield lambda module, one: getattr(original(module), one, None)


def _with(module: ModuleType, originals: Mapping[str, Any]) -> ModuleType:
    """Return a module with the attributes of another one and with these originals."""
    made = ModuleType(module.__name__)
    vars(made).update({**vars(module), **originals})
    return made


def _copy_of(name: str, given: Mapping[str, ModuleType]) -> ModuleType:
    """Return a module of the standard library, executed again with these modules as those that it imports."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ImportError(f"expected {name} in the standard library", name=name)
    made = importlib.util.module_from_spec(spec)
    with _as_imported(given):
        spec.loader.exec_module(made)
    return made


def _copy_of_threading(thread: ModuleType) -> ModuleType:
    """Return a copy of `threading` above an unpatched `_thread`."""
    # Until Python 3.12 the import of `threading` takes the lock over that is released at the end of this thread.
    without = _with(thread, {"_set_sentinel": vars(thread)["allocate_lock"]})
    made = _copy_of("threading", {"_thread": without})
    if hasattr(made, "_set_sentinel"):
        vars(made)["_set_sentinel"] = vars(thread)["_set_sentinel"]
    # Tracers and debuggers set their functions in the module that the test's code sees.
    vars(made).update({name: getattr(threading, name) for name in ("gettrace", "getprofile")})
    return made


@contextmanager
def _as_imported(given: Mapping[str, ModuleType]) -> Iterator[None]:
    before = {name: sys.modules[name] for name in given}
    sys.modules.update(given)
    try:
        yield
    finally:
        sys.modules.update(before)


def _future_of(unpatched: ModuleType) -> type[Future[Any]]:
    """Return the class of a Future that any thread may wait for; for the test's code it is a Future as any other."""

    class ForeignFuture(Future[Any]):
        def __init__(self) -> None:
            super().__init__()
            self._condition = unpatched.Condition()

    return ForeignFuture
