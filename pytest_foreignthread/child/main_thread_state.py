"""Finds on the main thread what an exception on another thread reports as missing."""

from __future__ import annotations

import contextvars
import sys

from ..interop.thread_locals import locals_of_this_thread, namespace_of
from ..model.observation import Elsewhere, Holder, Kept
from .parts import is_really
from .thread_values import links, missing_attribute, missing_variable, of_context, of_local


def kept_by_main_thread(error: BaseException | None, *, is_foreign: bool) -> Elsewhere | None:
    """Return where the main thread has what the exception reports as missing; None if it lacks that as well.

    None also for an exception of another kind. `is_foreign` is whether the test ran on another thread. If not, only
    attributes are looked for: one thread may have several contexts.
    """
    looks = (_attribute, *((_variable, _decimal_context) if is_foreign else ()))
    found = (look(one) for one in links(error) for look in looks)
    return next((one for one in found if one is not None), None)


def _attribute(error: BaseException) -> Elsewhere | None:
    if (missing := missing_attribute(error)) is None:
        return None
    local, name = missing
    # Only the instance's namespace counts, because class attributes exist on every thread. `getattr` on a
    # `threading.local` would run the constructor of its class on this thread.
    has_it = any(one is local and name in namespace_of(one) for one in locals_of_this_thread())
    return of_local(Holder.MAIN_THREAD, name) if has_it else None


def _variable(error: BaseException) -> Elsewhere | None:
    variable = missing_variable(error)
    is_set = variable is not None and variable in contextvars.copy_context()
    return of_context(Holder.MAIN_THREAD, variable) if variable is not None and is_set else None


def _decimal_context(error: BaseException) -> Elsewhere | None:
    """Return what the main thread's decimal context does not trap, although a thread's first context traps it."""
    decimal = sys.modules.get("decimal")
    if decimal is None or not is_really(error, decimal.DecimalException):
        return None
    signal = type(error)
    traps, default = decimal.getcontext().traps, decimal.DefaultContext.traps
    if signal not in traps or traps[signal] or not default[signal]:
        return None
    what = f"a decimal context that does not trap {signal.__name__}"
    return Elsewhere(Holder.MAIN_THREAD, Kept.CONTEXT, what)
