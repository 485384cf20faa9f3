"""One suite, run twice: by plain pytest, and as the matrix."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

from pytest_foreignthread.matrix.baseline import file
from pytest_foreignthread.matrix.baseline.known import Baseline

from .results import SuiteResult, result_of
from .sources import BARE_CONFIG, SuiteError, Workshop
from .suites import Suite

MODES: Final = "main,python,same,new,pool"
_HERE: Final = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Runner:
    workshop: Workshop
    update: bool
    """Whether the baselines are brought up to date."""
    options: Sequence[str] = ()
    """More arguments of pytest, for the matrix and the rounds, not for the plain run."""

    def run(self, suite: Suite) -> str:
        """Run the suite and keep what is seen; return why it could not run, or nothing."""
        self._kept(suite, "seconds").unlink(missing_ok=True)
        self._log(suite).unlink(missing_ok=True)
        try:
            folder = self.workshop.fetch(suite)
            seconds = self._plain(suite, folder), self._matrix(suite, folder)
        except SuiteError as error:
            return str(error)
        self._kept(suite, "seconds").write_text(json.dumps(seconds), encoding="utf-8")
        return ""

    def reported(self, suite: Suite, problem: str = "not run yet") -> SuiteResult:
        """Return what was seen when the suite ran last; `problem` where nothing was."""
        version = suite.version or self.workshop.python_version()
        if not self._kept(suite, "seconds").exists():
            return SuiteResult(suite.name, version, differences=(problem,))
        plain, report, seconds = (self._read(suite, what) for what in ("plain", "report", "seconds"))
        known = _known(self._baseline(suite))
        result = result_of(suite.name, version, plain, report, known, date.today())
        return replace(result, seconds_plain=seconds[0], seconds=seconds[1])

    def _plain(self, suite: Suite, folder: Path) -> float:
        """Return seconds; raise SuiteError where the suite is not green: it could tell nothing."""
        status, seconds = self._pytest(suite, folder, ["-p", "plain_outcomes"])
        if status != 0:
            raise SuiteError(f"plain pytest ends with status {status}: see {self._log(suite)}")
        return seconds

    def _matrix(self, suite: Suite, folder: Path) -> float:
        report = self._kept(suite, "report")
        report.unlink(missing_ok=True)
        options = (
            "--foreign-thread-all",
            f"--foreign-thread-modes={MODES}",
            f"--foreign-thread-isolation={suite.isolation}",
            f"--foreign-thread-timeout={suite.timeout}",
            f"--foreign-thread-baseline={self._baseline(suite)}",
            f"--foreign-thread-report={report}",
        )
        update = ("--foreign-thread-update-baseline",) if self.update else ()
        status, seconds = self._pytest(suite, folder, [*options, *update, *self.options])
        if not report.exists():
            raise SuiteError(f"the matrix ends with status {status} and has no report: see {self._log(suite)}")
        return seconds

    def races(
        self, suite: Suite, modes: Sequence[str], rounds: int, threads: int, seed: str
    ) -> Sequence[Mapping[str, Any]]:
        """Run the suite in rounds and return the entries of the report; raise SuiteError."""
        folder = self.workshop.fetch(suite)
        self._log(suite).unlink(missing_ok=True)
        self._plain(suite, folder)
        report = self._kept(suite, "races")
        report.unlink(missing_ok=True)
        options = (
            *("--foreign-thread-all", f"--foreign-thread-modes={','.join(modes)}"),
            *(f"--foreign-thread-stress={rounds}", f"--foreign-thread-stress-threads={threads}"),
            *(f"--foreign-thread-stress-seed={seed}", f"--foreign-thread-timeout={suite.timeout}"),
            f"--foreign-thread-report={report}",
            *self.options,
        )
        status, _ = self._pytest(suite, folder, options)
        if not report.exists():
            raise SuiteError(f"the rounds end with status {status} and have no report: see {self._log(suite)}")
        entries: list[Mapping[str, Any]] = self._read(suite, "races")["tests"]
        return entries

    def _pytest(self, suite: Suite, folder: Path, options: Sequence[str]) -> tuple[int, float]:
        """Return exit status and seconds. What pytest prints goes to the suite's log."""
        config = folder / suite.config if suite.config else self.workshop.folder / BARE_CONFIG
        common = ["-q", "--tb=short", "-p", "no:cacheprovider", "-c", str(config), f"--rootdir={folder}"]
        # By the script and not by `-m`, which would put the sources before what is built from them.
        command = [str(self.workshop.bin / "pytest"), *common, *options, *suite.options, *suite.tests]
        path = os.pathsep.join(filter(None, [str(_HERE / "plugins"), os.environ.get("PYTHONPATH", "")]))
        own = {"PYTHONPATH": path, "PLAIN_OUTCOMES": str(self._kept(suite, "plain"))}
        start = time.monotonic()
        with open(self._log(suite), "a", encoding="utf-8") as log:
            done = subprocess.run(
                command,
                cwd=folder,
                env={**os.environ, **suite.environment, **own},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                check=False,
            )
        return done.returncode, time.monotonic() - start

    def _baseline(self, suite: Suite) -> Path:
        """CPython's tests differ from version to version, and have a baseline for each."""
        minor = f"-{self.workshop.python_version().rpartition('.')[0]}" if suite.of_cpython else ""
        return _HERE / "baselines" / f"{suite.name}{minor}.txt"

    def _log(self, suite: Suite) -> Path:
        return self.workshop.folder / f"{suite.name}.log"

    def _kept(self, suite: Suite, what: str) -> Path:
        return self.workshop.folder / f"{suite.name}-{what}.json"

    def _read(self, suite: Suite, what: str) -> Any:
        return json.loads(self._kept(suite, what).read_text(encoding="utf-8"))


def _known(path: Path) -> Baseline:
    return file.read(path) if path.exists() else Baseline({})
