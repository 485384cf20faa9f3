"""A mode of the project's own: its callbacks come from an executor that waits a millisecond."""


def on_a_timer(runnable):
    import jpype

    milliseconds = jpype.JClass("java.util.concurrent.TimeUnit").MILLISECONDS
    jpype.JClass("java.util.concurrent.CompletableFuture").delayedExecutor(1, milliseconds).execute(runnable)


def pytest_foreign_thread_modes(config):
    return {"timer": on_a_timer}
