"""A suite of ordinary tests that do all that a body may do, and a conftest that writes down what pytest is told."""

from __future__ import annotations

from typing import Final

CONFTEST: Final = '''
    """Writes what pytest's hooks are told, in their order, to the file that the environment names."""
    import json, os
    import pytest

    SEEN = open(os.environ["SEEN"], "w")

    def tell(**what):
        print(json.dumps(what, default=repr), file=SEEN, flush=True)

    def pytest_collection_modifyitems(items):
        if mode := os.environ.get("MODE"):
            for item in items:
                item.add_marker(pytest.mark.foreign_thread(mode=mode))

    def pytest_runtest_logreport(report):
        if os.getpid() != STARTED:
            return
        tell(
            hook="report", test=report.nodeid, when=report.when, outcome=report.outcome, text=report.longreprtext,
            sections=report.sections, properties=[(name, str(value)) for name, value in report.user_properties],
            keywords=sorted(report.keywords),
            wasxfail=getattr(report, "wasxfail", None), kind=type(report).__name__, location=report.location,
            timed=report.duration >= 0 and 0 < report.start <= report.stop,
            context=str(getattr(report, "context", None)), own=getattr(report, "own", None), count=report.count,
        )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(item):
        report = yield
        report.own = [item.name, {"deep": [1, None]}]
        report.count = 3
        return report

    def pytest_warning_recorded(warning_message, when, nodeid):
        if os.getpid() != STARTED:
            return
        tell(
            hook="warning", test=nodeid, when=when, text=str(warning_message.message), line=warning_message.lineno,
            category=warning_message.category.__name__, file=os.path.basename(warning_message.filename),
        )

    def pytest_sessionfinish(exitstatus):
        tell(hook="end", status=int(exitstatus))
        SEEN.close()

    STARTED = os.getpid()
'''

BODIES: Final = r"""
    import collections, io, logging, os, pathlib, sys, threading, unittest, warnings
    from concurrent.futures import CancelledError
    import pytest

    log = logging.getLogger("app")

    # What is asserted.

    def test_passes():
        assert 1 + 1 == 2

    def test_integers():
        one, two = 1, 2
        assert one + two == 4, "the test's own words"

    def test_dicts():
        assert {"a": 1, "b": [1, 2]} == {"a": 1, "b": [1, 3]}

    def test_texts():
        assert "one\ntwo\nthree" == "one\n2\nthree"

    def test_call_of_a_function():
        def double(number):
            return number * 2
        assert double(2) == double(double(1)) + 1

    def test_in_a_helper():
        def helper(value):
            __tracebackhide__ = False
            inner(value)
        def inner(value):
            assert value < 3
        helper(3)

    def test_hidden_helper():
        def helper():
            __tracebackhide__ = True
            raise ValueError("seen from the caller")
        helper()

    def test_long_difference():
        assert list(range(300)) == list(range(299)) + [0]

    # What is raised.

    class LocalError(Exception):
        pass

    class BaseError(BaseException):
        pass

    class ReduceError(Exception):
        def __reduce__(self):
            raise RuntimeError("no pickle takes this")

    class StrError(Exception):
        def __str__(self):
            raise ValueError("no text")

    class ReprError(Exception):
        def __repr__(self):
            raise ValueError("no repr")

    class ExitInStr(Exception):
        def __str__(self):
            raise BaseError("not even an Exception")

    class OddMembers(Exception):
        exceptions = 5

    class NoMembers(Exception):
        @property
        def exceptions(self):
            raise RuntimeError("asked")

    def local_error_with_a_lock():
        class Locked(Exception):
            def __init__(self):
                super().__init__("locked")
                self.lock = threading.Lock()
        return Locked()

    RAISED = {
        "value": ValueError("a value"),
        "lines": ValueError("first\nsecond"),
        "lock": local_error_with_a_lock(),
        "reduce": ReduceError("odd"),
        "str": StrError(),
        "repr": ReprError("odd"),
        "base_in_str": ExitInStr(),
        "odd_members": OddMembers("odd"),
        "no_members": NoMembers("odd"),
        "surrogate": ValueError("\udcff \x00 ä ☃"),
        "system_exit_int": SystemExit(3),
        "system_exit_text": SystemExit("leaving"),
        "base": BaseError("base"),
        "base_exception": BaseException("bare"),
        "stop_iteration": StopIteration(7),
        "stop_async": StopAsyncIteration(),
        "generator_exit": GeneratorExit("gone"),
        "cancelled": CancelledError(),
        "timeout": TimeoutError("late"),
        "memory": MemoryError(),
        "system_error": SystemError("an ordinary one"),
        "class_alone": KeyError,
        "unittest_skip": unittest.SkipTest("as unittest does"),
    }

    @pytest.mark.parametrize("name", RAISED)
    def test_raised(name):
        raise RAISED[name]

    def test_recursion():
        def down(n):
            return down(n + 1)
        down(0)

    def test_group():
        if sys.version_info < (3, 11):
            pytest.skip("no groups")
        def fail(text):
            try:
                raise LocalError(text)
            except LocalError as error:
                return error
        raise ExceptionGroup("several", [fail("one"), ExceptionGroup("inner", [fail("two"), KeyError("three")])])

    def test_note():
        error = ValueError("noted")
        if hasattr(error, "add_note"):
            error.add_note("a note\nof two lines")
        raise error

    def test_from():
        try:
            {}["key"]
        except KeyError as error:
            raise LocalError("outer") from error

    def test_from_none():
        try:
            {}["key"]
        except KeyError:
            raise LocalError("outer") from None

    def test_chained():
        try:
            {}["key"]
        except KeyError:
            [][1]

    def test_raised_in_exec():
        exec(compile("def f():\n    raise OSError(2, 'none', 'file')\nf()", "<made>", "exec"))

    def test_syntax_error():
        compile("a b", "made.py", "exec")

    # What pytest gives to say.

    def test_skip():
        pytest.skip("not today")

    def test_importorskip():
        pytest.importorskip("no_such_module_at_all")

    def test_xfail():
        pytest.xfail("as known")

    def test_fail():
        pytest.fail("on purpose")

    def test_fail_without_traceback():
        pytest.fail("on purpose", pytrace=False)

    def test_raises_not():
        with pytest.raises(ValueError):
            pass

    def test_raises_other():
        with pytest.raises(ValueError, match="digit"):
            raise ValueError("letter")

    def test_raises():
        with pytest.raises(ZeroDivisionError) as caught:
            1 / 0
        assert caught.value.args == ("division by zero",)

    def test_warns():
        with pytest.warns(UserWarning, match="careful"):
            warnings.warn("be careful")

    def test_warns_not():
        with pytest.warns(UserWarning):
            pass

    def test_deprecated_call():
        with pytest.deprecated_call():
            warnings.warn("old", DeprecationWarning)

    def test_approx():
        assert 0.1 + 0.2 == pytest.approx(0.4)

    def test_returns_a_value():
        return 5

    # Marks.

    @pytest.mark.xfail
    def test_xfails():
        assert False

    @pytest.mark.xfail(reason="known", strict=True)
    def test_xpasses_strictly():
        pass

    @pytest.mark.xfail(reason="known")
    def test_xpasses():
        pass

    @pytest.mark.xfail(raises=KeyError, reason="a key")
    def test_xfails_as_marked():
        {}["key"]

    @pytest.mark.xfail(raises=KeyError)
    def test_xfails_otherwise():
        raise ValueError("no key")

    @pytest.mark.xfail("sys.version_info < (3,)", reason="old")
    def test_xfail_condition():
        assert 0

    @pytest.mark.skip(reason="never")
    def test_skip_mark():
        os.abort()

    @pytest.mark.skipif("os.sep == '/'", reason="a slash")
    def test_skipif():
        os.abort()

    @pytest.mark.skipif(False, reason="no")
    def test_skipif_not():
        assert 0

    @pytest.mark.skipif("no_such_name")
    def test_skipif_broken():
        pass

    @pytest.mark.usefixtures("prints")
    def test_usefixtures():
        pass

    @pytest.mark.filterwarnings("error::UserWarning")
    def test_warning_is_an_error():
        warnings.warn("raised")

    @pytest.mark.filterwarnings("ignore:silent")
    def test_warning_is_ignored():
        warnings.warn("silent")
        warnings.warn("loud")

    @pytest.mark.parametrize("left, right", [(1, 1), ("a", "b"), pytest.param(2, 3, id="own", marks=pytest.mark.xfail)])
    def test_parameters(left, right):
        assert left == right

    # Warnings.

    class OwnWarning(UserWarning):
        def __init__(self, number, text):
            self.number, self.text = number, text
        def __str__(self):
            return f"{self.number}: {self.text}"

    class Outer:
        class Inner(DeprecationWarning):
            pass

    def test_warnings():
        class Local(OwnWarning):
            pass
        warnings.warn("plain")
        warnings.warn("old", DeprecationWarning)
        warnings.warn("very old", PendingDeprecationWarning)
        warnings.warn(OwnWarning(7, "own"))
        warnings.warn(Local(8, "local"))
        warnings.warn("inner", Outer.Inner)
        warnings.warn("from a caller", stacklevel=2)

    def warn_here():
        warnings.warn("from one place")

    @pytest.fixture
    def warned():
        warn_here()
        yield
        warn_here()

    def test_warned_in_each_phase(warned):
        warn_here()

    def test_thread_dies():
        thread = threading.Thread(target=lambda: 1 / 0, name="python's own")
        thread.start()
        thread.join()

    def test_unraisable():
        class Dying:
            def __del__(self):
                raise ValueError("in __del__")
        Dying()

    # What is written.

    @pytest.fixture
    def prints():
        print("setup out")
        print("setup err", file=sys.stderr)
        log.warning("setup log %s", 1)
        yield
        print("teardown out")
        log.error("teardown log")

    def test_writes(prints):
        print("call out ☃")
        print("call err", file=sys.stderr)
        os.write(1, b"by descriptor\n")
        os.write(2, b"\xff no text\n")
        log.info("too low to be seen")
        log.warning("call log")
        assert 0

    def test_writes_and_passes(prints):
        print("call out")
        print("no end", end="")

    def test_properties(record_property, record_testsuite_property):
        record_property("number", 5)
        record_property("text", "ä")
        record_property("nothing", None)
        record_property("path", pathlib.PurePosixPath("/a/b"))
        record_property("pair", (1, "two"))
        record_property("deep", {"a": [1, 2.5]})
        record_property("object", ValueError("v"))
        record_property("bytes", b"\xff")

    def test_capsys(capsys):
        print("caught")
        print("error", file=sys.stderr)
        assert capsys.readouterr() == ("caught\n", "error\n")
        print("left")
        assert 0

    def test_capfd(capfd):
        os.write(1, b"caught")
        with capfd.disabled():
            pass
        assert capfd.readouterr() == ("caught", "")

    def test_capsys_disabled(capsys):
        with capsys.disabled():
            print("SEEN BY THE USER")

    def test_caplog(caplog):
        with caplog.at_level(logging.DEBUG, logger="app"):
            log.debug("fine %d", 3)
        assert caplog.record_tuples == [("app", logging.DEBUG, "fine 3")]
        assert caplog.get_records("setup") == []
        assert 0

    def test_recwarn(recwarn):
        warnings.warn("kept")
        assert str(recwarn.pop(UserWarning).message) == "kept"
        warnings.warn("not shown")

    def test_monkeypatch(monkeypatch):
        monkeypatch.setattr(os, "getcwd", lambda: "/patched")
        monkeypatch.setenv("PATCHED", "1")
        assert (os.getcwd(), os.environ["PATCHED"]) == ("/patched", "1")
        assert 0

    def test_tmp_path(tmp_path):
        (tmp_path / "file").write_text("x")
        assert [one.name for one in tmp_path.iterdir()] == ["file"]
        assert tmp_path.name == "else"

    def test_addfinalizer(request):
        request.addfinalizer(lambda: print("first added"))
        request.addfinalizer(lambda: print("second added"))
        assert request.node.name == "test_addfinalizer"
        assert "PYTEST_CURRENT_TEST" in os.environ
        raise ValueError(os.environ["PYTEST_CURRENT_TEST"])

    def test_getfixturevalue(request, prints):
        assert request.getfixturevalue("late") == "value"
        assert 0

    @pytest.fixture
    def late():
        print("late setup")
        yield "value"
        print("late teardown")

    # Fixtures that fail.

    @pytest.fixture
    def fails(prints):
        assert [1] == [2], "in setup"

    @pytest.fixture
    def skips():
        pytest.skip("in setup")

    @pytest.fixture
    def xfails():
        pytest.xfail("in setup")

    @pytest.fixture
    def yields_twice():
        yield
        yield

    @pytest.fixture
    def fails_after(prints):
        yield 5
        raise LocalError("in teardown")

    @pytest.fixture
    def fails_after_too():
        yield 6
        pytest.fail("in teardown, too")

    def test_setup_fails(fails):
        os.abort()

    def test_setup_skips(skips):
        os.abort()

    def test_setup_xfails(xfails):
        os.abort()

    def test_setup_unknown(no_such_fixture):
        os.abort()

    def test_yields_twice(yields_twice):
        pass

    def test_teardown_fails(fails_after):
        assert fails_after == 5

    def test_both_fail(fails_after):
        assert fails_after == 6

    def test_teardown_fails_twice(fails_after, fails_after_too):
        pass

    def test_teardown_skips(request):
        request.addfinalizer(lambda: pytest.skip("in teardown"))

    @pytest.mark.xfail
    def test_xfail_in_setup(fails):
        pass

    ORDER = []

    # Each writes what has been set up and torn down so far.
    def step(name, scope, *needs):
        def tell(word):
            ORDER.append(word)
            print(ORDER)
        source = f"def fixture({', '.join(needs)}):\n tell(name)\n yield name\n tell('~' + name)"
        namespace = {"tell": tell, "name": name}
        exec(source, namespace)
        return pytest.fixture(scope=scope, name=name)(namespace["fixture"])

    on_class = step("on_class", "class")
    on_class_too = step("on_class_too", "class", "on_class")
    on_function = step("on_function", "function")
    on_function_too = step("on_function_too", "function", "on_class", "on_function")

    def test_order_of_teardown(on_function_too, on_class_too, request):
        request.getfixturevalue("late")
        assert ORDER == []

    # Classes.

    class TestClass:
        @classmethod
        def setup_class(cls):
            cls.value = 5

        def setup_method(self, method):
            print("setup", method.__name__)

        def teardown_method(self):
            print("teardown")

        def test_value(self):
            assert self.value == 6

        @staticmethod
        def test_static():
            assert "static" == 1

    class TestCase(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            cls.value = 5

        def setUp(self):
            print("setUp")
            self.addCleanup(print, "cleanup")

        def tearDown(self):
            print("tearDown")

        def test_passes(self):
            self.assertEqual(self.value, 5)

        def test_fails(self):
            self.assertEqual(self.value, 6, "own words")

        def test_self_fail(self):
            self.fail("on purpose")

        def test_errors(self):
            raise LocalError("raised")

        def test_skips(self):
            self.skipTest("not today")

        @unittest.skip("never")
        def test_skipped(self):
            os.abort()

        @unittest.expectedFailure
        def test_expected(self):
            self.assertTrue(False)

        @unittest.expectedFailure
        def test_unexpected(self):
            pass

        def test_pytest_skip(self):
            pytest.skip("pytest's")

        def test_subtests(self):
            for number in range(3):
                with self.subTest("words", number=number):
                    self.assertNotEqual(number, 1)

        def test_raises(self):
            with self.assertRaises(KeyError):
                {}["key"]
            with self.assertLogs("app") as logs:
                log.info("seen")
            self.assertEqual(logs.output, ["INFO:app:seen"])

        @pytest.fixture(autouse=True)
        def fixture(self, request):
            print("fixture of", request.node.name)

    class TestSetUpFails(unittest.TestCase):
        def setUp(self):
            raise LocalError("setUp")

        def test_one(self):
            os.abort()

    class TestTearDownFails(unittest.TestCase):
        def tearDown(self):
            raise LocalError("tearDown")

        def test_one(self):
            self.fail("first")

    class TestSetUpClassFails(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            raise LocalError("setUpClass")

        def test_one(self):
            os.abort()

    class TestSetUpClassSkips(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            raise unittest.SkipTest("setUpClass")

        def test_one(self):
            os.abort()

    # A method named runTest, as unittest takes it.
    class TestRunTest(unittest.TestCase):
        def runTest(self):
            self.fail("runTest")
"""

PYTEST_9: Final = """
    import os
    import pytest

    # pytest 8 shows the code that raises this, its own.
    @pytest.mark.xfail(run=False, reason="never")
    def test_xfail_not_run():
        os.abort()

    def test_subtests(subtests):
        for number in range(4):
            with subtests.test("words", number=number):
                print("number", number)
                if number == 2:
                    pytest.skip("two")
                assert number != 1

    def test_subtests_pass(subtests):
        with subtests.test(number=1):
            pass

    @pytest.mark.xfail
    def test_subtests_xfail(subtests):
        with subtests.test(odd=object):
            assert 0
"""
