"""The way from the values of options and marker arguments to the `Settings` of a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model.checkers import with_jni_check
from ..model.settings import Jvm, Settings
from .chosen_options import Options


def settings_for(
    marked: Mapping[str, Any], mode: str, call_mode: str, options: Options, jvm: Jvm | None, *, isolation: str = "test"
) -> Settings:
    """Return the settings of a test; `marked` are the arguments of its markers, which override `options`.

    `isolation` holds if neither has one.
    """
    checks = marked.get("check", options.check)
    return Settings(
        mode=mode,
        call_mode=call_mode,
        timeout=marked.get("timeout", options.timeout),
        jvm=jvm,
        jvm_args=with_jni_check(marked.get("jvm_args", options.jvm_args), checks),
        own_jvm_args="jvm_args" in marked or "classpath" in marked,
        jvm_profile=options.jvm_profile,
        classpath=marked.get("classpath", options.classpath),
        isolation=marked.get("isolation", options.isolation or isolation),
        stack=marked.get("stack", options.stack),
        block_signals=marked.get("block_signals", options.block_signals),
        finalize=marked.get("finalize", options.finalize),
        checks=checks,
        stress=marked.get("stress", options.stress),
        stress_threads=marked.get("stress_threads", options.stress_threads),
        stress_shrink=options.stress_shrink,
        stress_stop=options.stress_stop,
        native=options.native,
        message_limit=options.message_limit,
    )
