"""Java threads live while the JVM is shut down, and do not keep it; or something else does."""

from __future__ import annotations

from typing import Any

import pytest


def runnable(jvm: Any, function: Any) -> Any:
    return jvm.JProxy("java.lang.Runnable", dict={"run": function})


@pytest.mark.foreign_thread(finalize=True)
def test_a_daemon(jvm: Any) -> None:
    latch = jvm.JClass("java.util.concurrent.CountDownLatch")(1)
    thread = jvm.JClass("java.lang.Thread")(runnable(jvm, latch.await_))
    thread.setDaemon(True)
    thread.start()


@pytest.mark.foreign_thread(finalize=True)
def test_a_pool_that_was_shut_down(jvm: Any) -> None:
    pool = jvm.JClass("java.util.concurrent.Executors").newFixedThreadPool(2)
    pool.submit(runnable(jvm, lambda: None)).get()
    pool.shutdown()


@pytest.mark.foreign_thread(finalize=True, timeout=3)
def test_a_shutdown_hook_that_waits(jvm: Any) -> None:
    """All of Java: JPype refuses to call Python by then."""
    latch = jvm.JClass("java.util.concurrent.CountDownLatch")(1)
    await_ = jvm.JClass("java.lang.invoke.MethodHandles").publicLookup()
    void = jvm.JClass("java.lang.invoke.MethodType").methodType(jvm.JClass("java.lang.Void").TYPE)
    handle = await_.bind(latch, "await", void)
    run = jvm.JClass("java.lang.invoke.MethodHandleProxies").asInterfaceInstance(
        jvm.JClass("java.lang.Runnable").class_, handle
    )
    jvm.JClass("java.lang.Runtime").getRuntime().addShutdownHook(jvm.JClass("java.lang.Thread")(run))
