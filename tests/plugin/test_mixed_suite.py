"""Ordinary and foreign-thread tests side by side: who sets up a fixture tears it down, once and in pytest's order."""

from __future__ import annotations

from typing import Final

import pytest

from .conftest import RunSuite, SuiteRun, run_suite_in

CONFTEST: Final = """
    import os
    import pytest

    STARTED = os.getpid()

    def note(*words):
        '''Write, and tell the pytest process from its children.'''
        where = "pytest" if os.getpid() == STARTED else "child"
        test = os.environ.get("PYTEST_CURRENT_TEST", "").partition("::")[2].partition(" ")[0]
        with open("notes", "a") as file:
            print(where, *words, f"({test})", file=file)

    def noting(scope, name, *needs):
        source = f"def fixture({', '.join(needs)}):\\n note('up', name)\\n yield [name]\\n note('down', name)"
        namespace = {"note": note, "name": name}
        exec(source, namespace)
        return pytest.fixture(scope=scope, name=name)(namespace["fixture"])

    on_session = noting("session", "on_session")
    late_session = noting("session", "late_session")
    on_module = noting("module", "on_module", "on_session")
    late_module = noting("module", "late_module", "on_module")
    on_class = noting("class", "on_class")
    on_function = noting("function", "on_function", "on_module")

    @pytest.fixture(scope="session", params=["a"])
    def parameter(request):
        note("up", request.param)
        yield request.param
        note("down", request.param)
"""

FIRST: Final = """
    import os
    import pytest
    from conftest import note

    foreign = pytest.mark.foreign_thread(mode="python")

    def setup_module():
        note("setup_module")

    def teardown_module():
        note("teardown_module")

    def test_ordinary(on_function, on_module):
        on_module.append("added by an ordinary test")

    @foreign
    def test_sees(on_module, on_session, on_function):
        assert on_module == ["on_module", "added by an ordinary test"]
        on_module.append("added in a child")

    @foreign
    def test_sets_up(on_class, late_module, late_session, on_function, on_module, request):
        assert on_module == ["on_module", "added by an ordinary test"]
        note("body")
        request.addfinalizer(lambda: note("finalizer"))

    def test_unchanged(on_module):
        assert on_module == ["on_module", "added by an ordinary test"]

    class TestClass:
        @classmethod
        def setup_class(cls):
            note("setup_class")

        @classmethod
        def teardown_class(cls):
            note("teardown_class")

        def test_ordinary(self, on_class):
            pass

        @foreign
        def test_foreign(self, on_class):
            assert on_class == ["on_class"]

    @foreign
    def test_dies(on_module, late_module):
        os.abort()

    @foreign
    def test_last(on_module):
        note("body")
"""

SECOND: Final = """
    import pytest
    from conftest import note

    @pytest.fixture(scope="module")
    def breaks():
        yield
        print("written before it breaks")
        raise ValueError("module teardown")

    def test_ordinary(breaks):
        note("second module")

    @pytest.mark.foreign_thread(mode="python")
    def test_last(breaks):
        pass
"""

THIRD: Final = """
    import pytest
    from conftest import note

    def test_ordinary(on_module):
        note("third module")

    @pytest.mark.foreign_thread(mode="python")
    @pytest.mark.skip(reason="skipped at the end of a module")
    def test_last(on_module):
        pass
"""

PARAMETERS: Final = """
    import pytest

    def test_ordinary(parameter):
        pass

    @pytest.mark.foreign_thread(mode="python")
    @pytest.mark.parametrize("parameter", ["c"], indirect=True)
    def test_foreign(parameter):
        assert parameter == "c"
"""

ALL_FOREIGN: Final = """
    import pytest
    from conftest import note

    pytestmark = pytest.mark.foreign_thread(mode="python")

    def test_one(on_function, on_class, late_module, request):
        request.getfixturevalue("late_session")
        note("body")

    def test_fails_in_two_teardowns(request):
        def fail(text):
            raise ValueError(text)
        request.addfinalizer(lambda: fail("first"))
        request.addfinalizer(lambda: fail("second"))
"""

TEARDOWNS: Final = """
    import pytest

    def test_ordinary():
        pass

    def breaking(scope):
        def fixture():
            yield
            print("written by", scope)
            raise ValueError(f"teardown of {scope}")
        return pytest.fixture(scope=scope)(fixture)

    module, session, function = map(breaking, ["module", "session", "function"])

    @pytest.mark.foreign_thread(mode="python")
    def test_foreign(module, session, function):
        pass
"""


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    files = {"conftest.py": CONFTEST, "test_1.py": FIRST, "test_2.py": SECOND, "test_3.py": THIRD}
    return run_suite_in(tmp_path_factory.mktemp("mixed"), files, "-rA", "-v")


def _notes(run: SuiteRun, test: str | None = None) -> list[str]:
    """What was noted, by whom: all of it, or a test's own."""
    lines = (run.folder / "notes").read_text().splitlines()
    split = [line.removesuffix(")").rpartition(" (") for line in lines]
    return [what for what, _, name in split if test in (None, name)]


def test_outcomes(mixed: SuiteRun) -> None:
    names = {entry["nodeid"]: entry["outcome"] for entry in mixed.document["tests"]}
    assert names == {
        "test_1.py::test_sees": "passed",
        "test_1.py::test_sets_up": "passed",
        "test_1.py::TestClass::test_foreign": "passed",
        "test_1.py::test_dies": "crash",
        "test_1.py::test_last": "passed",
        "test_2.py::test_last": "passed",
        "test_3.py::test_last": "skipped",
    }
    assert mixed.closing_line == "10 passed, 1 skipped, 1 error, 1 crash"


def test_each_is_set_up_and_torn_down_once_in_the_pytest_process(mixed: SuiteRun) -> None:
    notes = [note.removeprefix("pytest ") for note in _notes(mixed) if note.startswith("pytest")]
    first, second, third = (
        notes[: notes.index("second module")],
        ["second module"],
        notes[notes.index("third module") :],
    )
    assert first == [
        "up on_session",
        "setup_module",
        "up on_module",
        "up on_function",
        "down on_function",
        "setup_class",
        "up on_class",
        "down on_class",
        "teardown_class",
        "down on_module",
        "teardown_module",
    ]
    assert notes[len(first) : -len(third)] == [*second, "up on_module"]
    assert third == ["third module", "down on_module", "down on_session"]


def test_child_tears_down_what_it_set_up(mixed: SuiteRun) -> None:
    notes = [note.removeprefix("child ") for note in _notes(mixed, "test_sets_up")]
    assert notes == [
        "up late_session",
        "up late_module",
        "up on_class",
        "up on_function",
        "body",
        "finalizer",
        "down on_function",
        "down on_class",
        "down late_module",
        "down late_session",
    ]


def test_child_leaves_alone_what_it_did_not_set_up(mixed: SuiteRun) -> None:
    assert _notes(mixed, "TestClass::test_foreign")[:1] != ["child setup_class"]
    assert not [note for note in _notes(mixed) if note.startswith("child") and "on_session" in note]
    assert not [note for note in _notes(mixed) if note.startswith("child") and note.endswith(" on_module")]
    assert not [note for note in _notes(mixed) if note.startswith("child") and "module" in note.split()[1]]


def test_module_is_torn_down_before_the_next(mixed: SuiteRun) -> None:
    notes = _notes(mixed)
    assert notes.index("pytest teardown_module") < notes.index("pytest second module")
    assert "previous item was not torn down properly" not in mixed.output


def test_error_in_the_teardown_after_a_foreign_test(mixed: SuiteRun) -> None:
    assert "ERROR at teardown of test_last" in mixed.output
    assert "ValueError: module teardown" in mixed.output
    assert "written before it breaks" in mixed.output.partition("Captured stdout teardown")[2]
    assert "ERROR test_2.py::test_last - ValueError: module teardown" in mixed.output


@pytest.fixture(scope="module")
def foreign_only(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    return run_suite_in(tmp_path_factory.mktemp("foreign"), {"conftest.py": CONFTEST, "test_it.py": ALL_FOREIGN}, "-rA")


def test_all_is_the_childs_where_no_ordinary_test_ran(foreign_only: SuiteRun) -> None:
    assert _notes(foreign_only, "test_one") == [
        f"child {what}"
        for what in (
            "up on_session",
            "up on_module",
            "up late_module",
            "up on_class",
            "up on_function",
            "up late_session",
            "body",
            "down on_function",
            "down on_class",
            "down late_module",
            "down on_module",
            "down late_session",
            "down on_session",
        )
    ]


def test_all_errors_of_a_teardown_are_reported(foreign_only: SuiteRun) -> None:
    assert foreign_only.outcomes["test_fails_in_two_teardowns"] == "error"
    assert "ValueError: first" in foreign_only.output
    assert "ValueError: second" in foreign_only.output


def test_all_errors_of_a_teardown_are_reported_in_a_mixed_suite(run_suite: RunSuite) -> None:
    done = run_suite(TEARDOWNS)
    assert done.outcomes == {"test_foreign": "error"}
    for scope in ("function", "module", "session"):
        assert f"ValueError: teardown of {scope}" in done.output
        assert f"written by {scope}" in done.output.partition("Captured stdout teardown")[2]
    assert done.closing_line == "2 passed, 1 error"


def test_parameter_that_changes_in_the_child(run_suite: RunSuite) -> None:
    """The child needs the fixture with another parameter than the pytest process has it set up with."""
    done = run_suite({"conftest.py": CONFTEST, "test_it.py": PARAMETERS})
    assert done.outcomes == {"test_foreign[c]": "passed"}
    notes = _notes(done)
    assert {note: notes.count(note) for note in notes} == dict.fromkeys(notes, 1)
    assert notes == ["pytest up a", "pytest down a", "child up c", "child down c"]


def test_error_in_the_teardown_of_what_does_not_fit(run_suite: RunSuite) -> None:
    """It fails the setup that needs another one, as in plain pytest; its output is there."""
    source = (
        PARAMETERS
        + """
    @pytest.fixture(scope="session", params=["a"])
    def parameter(request):
        yield request.param
        print("written in the teardown")
        raise ValueError(request.param)
    """
    )
    done = run_suite(source)
    assert done.outcomes == {"test_foreign[c]": "error"}
    assert "ERROR at setup of test_foreign[c]" in done.output
    assert "ValueError: a" in done.output
    assert "written in the teardown" in done.output.partition("Captured stdout setup")[2]
