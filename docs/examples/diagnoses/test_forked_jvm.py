import multiprocessing

import jpype
import pytest


def collect():
    jpype.java.lang.System.gc()  # waits for a thread of the JVM's, which the fork did not copy


@pytest.mark.foreign_thread(timeout=3)
def test_process_that_is_forked():
    process = multiprocessing.get_context("fork").Process(target=collect)
    process.start()
    process.join()
