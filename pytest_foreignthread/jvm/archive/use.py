"""The cache in one run: the archive that its children get, the line in the header, and the making of a missing one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from ...model.settings import Jvm, Settings
from ...supervise.process.signals import retry_interrupted
from . import builder, entry
from .builder import Builder
from .entry import Archive, Failed
from .folder import CacheError, cache_folder, clear, existing_folder, mark_used
from .jvm_flags import JvmWords, jvm_words
from .key import key_of, key_parts
from .kinds import kind_of

PATIENCE: Final = 5.0
"""Seconds that a run waits at its end for an archive that is being made."""
NOT_YET: Final = "none was made yet"
TOO_SLOW_FOR: Final = 600.0
"""Seconds in which no other run tries to make an archive that was not ready at the end of a run."""


class CacheOfRun:
    """The cache of one run, registered as a pytest plugin.

    An archive only saves time. So no error in here fails a test or the run: the header says that there is no archive.
    """

    def __init__(self, *, wanted: bool, clears: bool, makes: bool = True) -> None:
        """`wanted` is the user's choice, `clears` removes all entries first.

        If `makes` is false, a missing archive is not made, nor the cache directory; an archive that exists is used.
        """
        self._wanted = wanted
        self._makes = makes
        self._cleared = _cleared() if clears else None
        self._words: JvmWords | None = None
        self._profile = ""
        self._entry: Path | None = None
        self._found: Archive | Failed | None = None
        self._builder: Builder | None = None
        self._why_none = "foreign_thread_cache is off"

    def prepare(self, jvm: Jvm, arguments: Sequence[str], profile: str) -> None:
        """Look for the archive of the run's JVM and arguments; start to make it if there is none."""
        self.close(0.0)
        self._words, self._entry, self._found = jvm_words(arguments), None, None
        try:
            self._why_none = self._reason_against(jvm, self._words) or ""
            if not self._why_none:
                self._look(jvm, profile, self._words)
        except CacheError as error:
            self._why_none = str(error)
        except OSError as error:
            self._why_none = f"{error.filename or 'the cache'}: {error.strerror}"

    def _reason_against(self, jvm: Jvm, words: JvmWords) -> str | None:
        if not self._wanted:
            return "foreign_thread_cache is off"
        if (word := words.ruling_out) is not None:
            return f"the JVM has {word}"
        return None if kind_of(jvm) is not None else "this JDK has none"

    def _look(self, jvm: Jvm, profile: str, words: JvmWords) -> None:
        root = cache_folder() if self._makes else existing_folder()
        parts = key_parts(jvm, profile, words)
        if root is not None:
            self._entry = root / key_of(parts)
            self._found = entry.read(self._entry)
        if self._entry is not None and isinstance(self._found, Archive):
            mark_used(self._entry)
        elif self._found is None and not self._makes:
            self._why_none = NOT_YET
        elif self._found is None and root is not None:
            self._builder = builder.start(root, key_of(parts), jvm, profile, words.significant, parts)

    @property
    def failed(self) -> bool:
        """Whether an archive could not be made, and is not tried again for a while."""
        return isinstance(self._found, Failed)

    def given_to(self, settings: Settings) -> Settings:
        """Return a test's settings with the archive, if the archive exists and fits the test's own arguments."""
        words = jvm_words(settings.jvm_args)
        fits = self._words is not None and words.significant == self._words.significant and words.ruling_out is None
        archive = self._archive() if fits else None
        return settings if archive is None else replace(settings, jvm_cache=archive.path)

    def _archive(self) -> Archive | None:
        # The builder may have finished since the last test. Its entry is read once, because that takes its checksum.
        if self._found is None and self._entry is not None and (self._entry / entry.ABOUT).exists():
            self._found = entry.read(self._entry)
            self._entry = self._entry if self._found is not None else None
        found = self._found
        return found if isinstance(found, Archive) and found.is_there() else None

    def __str__(self) -> str:
        if isinstance(self._found, Archive):
            return "class archive in use"
        if isinstance(self._found, Failed):
            return f"no class archive: {self._found.reason}"
        return f"no class archive: {self._why_none}" if self._why_none else "class archive being made"

    def pytest_report_header(self) -> list[str]:
        return [f"foreign-thread: {self._cleared}"] if self._cleared is not None else []

    def pytest_keyboard_interrupt(self) -> None:
        self.close(0.0)

    def leave_to_parent(self) -> None:
        """Leave the builder to the pytest process; for a forked child."""
        working, self._builder = self._builder, None
        if working is not None:
            working.leave_to_parent()

    def close(self, patience: float = PATIENCE) -> None:
        """Wait `patience` seconds for the builder, then end it; note a failure if the wait was too short."""
        working, self._builder = self._builder, None
        if working is None:
            return
        too_slow = False
        try:
            too_slow = not working.has_ended(patience) and patience > 0.0
        finally:
            retry_interrupted(working.end)
        if too_slow and self._entry is not None:
            entry.note_failure(self._entry, "it was not ready at the end of a run", TOO_SLOW_FOR)


def _cleared() -> str:
    try:
        return f"cache cleared of {clear(cache_folder())} bytes"
    except (OSError, CacheError) as error:
        return f"cache not cleared: {error}"
