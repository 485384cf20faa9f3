"""pytest-django: a connection is its thread's own, so what a foreign thread finds depends on the kind of test."""

from __future__ import annotations

from typing import Final

import pytest

from .conftest import RunWith

PROJECT: Final = {
    "pytest.ini": "[pytest]\nDJANGO_SETTINGS_MODULE = settings\npythonpath = site\n",
    "site/shop/__init__.py": "",
    "site/shop/models.py": """
        from django.db import models

        class Thing(models.Model):
            name = models.CharField(max_length=20)
    """,
    "site/settings.py": """
        import os

        SECRET_KEY = "of no one"
        INSTALLED_APPS = ["shop"]
        FILE = os.environ.get("DATABASE_FILE")
        TEST = {"NAME": FILE} if FILE else {}
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "unused.sqlite", "TEST": TEST}}
        DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
    """,
}
SUITE: Final = """
    import pytest
    from django.db import OperationalError
    from shop.models import Thing

    in_main = pytest.mark.foreign_thread(mode="main")
    abroad = pytest.mark.foreign_thread
    django_db = pytest.mark.django_db

    @pytest.fixture
    def thing(db):
        return Thing.objects.create(name="by the fixture")

    @pytest.fixture
    def committed(transactional_db):
        return Thing.objects.create(name="by the fixture")

    @django_db
    def test_ordinary_before():
        assert Thing.objects.count() == 0

    @in_main
    def test_main(thing):
        assert Thing.objects.get().name == "by the fixture"
        Thing.objects.create(name="by the body")

    @django_db
    @in_main
    def test_main_is_rolled_back():
        assert Thing.objects.count() == 0

    @in_main
    def test_main_is_blocked():
        with pytest.raises(RuntimeError, match="Database access not allowed"):
            Thing.objects.count()

    @abroad
    def test_abroad_is_blocked():
        with pytest.raises(RuntimeError, match="Database access not allowed"):
            Thing.objects.count()

    @abroad
    def test_abroad_is_unblocked(django_db_blocker, transactional_db):
        with django_db_blocker.block(), pytest.raises(RuntimeError, match="Database access not allowed"):
            Thing.objects.count()
        with django_db_blocker.unblock():
            assert Thing.objects.count() == 0

    @abroad
    def test_elsewhere(thing):
        assert Thing.objects.get().name == "by the fixture"
        Thing.objects.create(name="by the body")

    @django_db
    @abroad
    def test_abroad_is_rolled_back():
        assert Thing.objects.count() == 0

    @abroad
    def test_abroad_transactional(committed):
        assert Thing.objects.get().name == "by the fixture"
        Thing.objects.create(name="by the body")

    @pytest.mark.django_db(transaction=True)
    @abroad
    def test_abroad_is_flushed():
        assert Thing.objects.count() == 0
        Thing.objects.create(name="by the body")
        assert Thing.objects.count() == 1

    @django_db
    def test_ordinary_after():
        assert Thing.objects.count() == 0
"""
FOREIGN: Final = (
    "test_main",
    "test_main_is_rolled_back",
    "test_main_is_blocked",
    "test_abroad_is_blocked",
    "test_abroad_is_unblocked",
    "test_elsewhere",
    "test_abroad_is_rolled_back",
    "test_abroad_transactional",
    "test_abroad_is_flushed",
)
# As the page of the plugins has it.
SHARED: Final = """
    import pytest
    from django.db import connections

    @pytest.fixture
    def foreign_thread_bridge(foreign_thread_bridge):
        shared = {connection.alias: connection for connection in connections.all(initialized_only=True)}
        for connection in shared.values():
            connection.inc_thread_sharing()

        def bridge(function):
            def with_connections():
                for alias, connection in shared.items():
                    connections[alias] = connection
                function()

            return foreign_thread_bridge(with_connections)

        yield bridge
        for connection in shared.values():
            connection.dec_thread_sharing()
"""
DATABASES: Final = pytest.mark.parametrize("database", ["", "test.sqlite"], ids=["memory", "file"])


@DATABASES
# A database in memory is another one for each connection; one in a file shows less.
@pytest.mark.by_default("memory")
def test_a_thread_has_a_connection_of_its_own(run_with: RunWith, database: str) -> None:
    run = run_with("django", {**PROJECT, "test_it.py": SUITE}, env={"DATABASE_FILE": database})
    # It cannot see what the main thread has not committed; SQLite in memory says that it is locked.
    assert run.outcomes == {**dict.fromkeys(FOREIGN, "passed"), "test_elsewhere": "failed"}, run.output
    words = "DoesNotExist: Thing matching query does not exist" if database else "database table is locked: shop_thing"
    assert words in run.tests["test_elsewhere"]["message"]
    assert run.closing_line == "1 failed, 10 passed"


@DATABASES
@pytest.mark.parametrize("isolation", ["test", "session"])
# As above.
@pytest.mark.by_default("session-memory")
def test_the_main_threads_connection_is_shared(run_with: RunWith, database: str, isolation: str) -> None:
    files = {**PROJECT, "test_it.py": SUITE, "conftest.py": SHARED}
    args = [f"--foreign-thread-isolation={isolation}"]
    run = run_with("django", files, *args, env={"DATABASE_FILE": database})
    assert run.outcomes == dict.fromkeys(FOREIGN, "passed"), run.output
    assert run.closing_line == "11 passed"
    assert not (run.folder / "test.sqlite").exists()
