"""Python's collector of garbage in a child: on or off as in the pytest process, and as if left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from .conftest import run_suite_in

# The server has frozen the objects that are there before a fork.
pytestmark = pytest.mark.usefixtures("own_interpreters")

SUITE: Final = """
    import gc, weakref
    import pytest

    pytestmark = pytest.mark.foreign_thread(mode={modes})

    class Node:
        pass

    old = Node()
    old.itself = old

    def test_state():
        assert gc.isenabled() is {enabled}
        # CPython 3.12 begins with some hundred.
        assert (gc.get_freeze_count() > 5000) is {frozen}

    def test_what_is_older_than_the_child():
        global old
        gone = weakref.ref(old)
        del old
        assert any(one is gone() for one in gc.get_objects()) is not {frozen}
        gc.collect()
        assert (gone() is None) is not {frozen}
"""

CONFTEST: Final = """
    import gc

    def pytest_collection_finish():
        {first}
"""


@pytest.mark.parametrize("modes", [("main", "new"), ("same",)], ids=" ".join)
@pytest.mark.parametrize(
    ("first", "enabled", "frozen"),
    [
        ("gc.collect()", True, False),
        ("gc.disable()", False, False),
        # A project may freeze what there is, to spare its children the work: then it stays so.
        ("gc.freeze()", True, True),
    ],
)
# A collection changes nothing that the others do not change too; "same" has the JVM of "new" and the thread of "main".
@pytest.mark.by_default("gc.disable()-False-False-main new", "gc.freeze()-True-True-main new")
def test_is_as_in_the_pytest_process(
    tmp_path: Path, first: str, modes: tuple[str, ...], *, enabled: bool, frozen: bool
) -> None:
    suite = SUITE.format(modes=list(modes), enabled=enabled, frozen=frozen)
    files = {"test_it.py": suite, "conftest.py": CONFTEST.format(first=first)}
    run = run_suite_in(tmp_path, files)
    assert set(run.outcomes.values()) == {"passed"}, run.output
    assert len(run.outcomes) == 2 * len(modes)


NEW: Final = """
    import gc
    import pytest

    @pytest.mark.foreign_thread(mode="new")
    def test_it():
        assert gc.get_count()[2] == 0
"""


def test_a_test_does_not_begin_with_a_collection_due(tmp_path: Path) -> None:
    # Each adds one to what is due.
    conftest = CONFTEST.format(first="[gc.collect(1) for _ in range(5)]")
    run = run_suite_in(tmp_path, {"test_it.py": NEW, "conftest.py": conftest})
    assert run.outcomes == {"test_it": "passed"}, run.output


THREADS: Final = """
    import jpype
    import pytest

    @pytest.mark.foreign_thread(mode="main")
    def test_it(jvm):
        Thread, FutureTask = jpype.JClass("java.lang.Thread"), jpype.JClass("java.util.concurrent.FutureTask")
        for _ in range(300):
            task = FutureTask(jpype.JProxy("java.lang.Runnable", dict={"run": object}), None)
            Thread(task).start()
            task.get()
        factory = jpype.JClass("java.lang.management.ManagementFactory")
        young = {str(bean.getName()): int(bean.getCollectionCount()) for bean in factory.getGarbageCollectorMXBeans()}
        assert young["Copy"] == 0
"""


@pytest.mark.parametrize("profile", ["quick", "server"])
# The server profile differs in its collector.
@pytest.mark.by_default("quick")
def test_threads_leave_little_for_java_to_collect(tmp_path: Path, profile: str) -> None:
    options = [f"--foreign-thread-jvm-profile={profile}", "-oforeign_thread_jvm_args=-Xmn64m -XX:+UseSerialGC"]
    run = run_suite_in(tmp_path, THREADS, *options)
    # HotSpot's own measure is what shows that this can fail.
    assert run.outcomes == {"test_it": "passed" if profile == "quick" else "failed"}, run.output
