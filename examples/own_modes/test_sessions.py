import threading

import pytest
import sessions

pytestmark = pytest.mark.foreign_thread(mode=["main", "glib", "cpp", "cython", "rust", "qt"])


def test_within_one_callback(request):
    sessions.log_in("Ada")
    assert sessions.user() == "Ada"


def test_where_it_runs(request):
    mode = request.node.callspec.id
    assert (threading.current_thread() is threading.main_thread()) == (mode == "main")


def test_from_one_callback_to_the_next(foreign_thread):
    foreign_thread.call(sessions.log_in, "Ada")
    assert foreign_thread.call(sessions.user) == "Ada"
