"""The Python side of the bug, after piotr-yuxuan/minimal-bug: a thunk, and the function that is handed it.

Nothing here knows of Java: `safely_clj` is whatever runs the thunk, and by default it is plain Python.
"""

from __future__ import annotations

from collections.abc import Callable

Thunk = Callable[[], object]
SafelyClj = Callable[[Thunk], object]


def some_wrapped_python() -> str:
    print("ALL YOUR BASE ARE BELONG TO US", flush=True)
    return "yay"


def local_fallback(thunk: Thunk) -> object:
    print("safely when run from Clojure", flush=True)
    return thunk()


def afterword() -> None:
    print("Python after", flush=True)


def thunk_of(wrapped: Thunk, after: Callable[[], None]) -> Thunk:
    def thunk() -> object:
        result = wrapped()
        after()
        return result

    return thunk


def call_me_baby(
    safely_clj: SafelyClj = local_fallback,
    wrapped: Thunk = some_wrapped_python,
    after: Callable[[], None] = afterword,
) -> object:
    """Hand `safely_clj` a thunk and return what it returns.

    The thunk is handed over and not kept: when `safely_clj` returns, its last reference goes.
    """
    return safely_clj(thunk_of(wrapped, after))
