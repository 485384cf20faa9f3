import pytest

MODULE = """
import jpype

def callback():
    import starts_at_import

pool = jpype.JClass("java.util.concurrent.Executors").newSingleThreadExecutor()
pool.submit(jpype.JProxy("java.lang.Runnable", dict={"run": callback})).get()
"""


@pytest.mark.foreign_thread(timeout=3)
def test_module_waits_for_a_callback_that_imports_it(tmp_path, monkeypatch):
    (tmp_path / "starts_at_import.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    import starts_at_import  # noqa: F401
