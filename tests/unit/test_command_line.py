"""Commands for the user's shell: one line each, and the shell reads the words that were meant."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Final

import pytest

from pytest_foreignthread.report.command_line import shell_line, shell_word
from pytest_foreignthread.report.stress_words import page_data
from pytest_foreignthread.report.text import rerun_lines

from .sample_tally import ASSERTION, filled

WORDS: Final = [
    *(
        "t.py::test[a\nb]",
        "t.py::test[\n]",
        "a\r\nb",
        "tab\there",
        "it's\n'both'",
        "back\\slash\nn",
        "$HOME\n`x`",
        "%s\n",
    ),
    *(
        "\x1b[31mred",
        "nul\x01\x7f",
        "\n0123",
        "next\x85line",
        "line\u2028separator",
        "ü\n€",
        "byte\udc80\udcff",
        "plain",
    ),
    *("two words", "it's", "", "-k", "$HOME", "ü", "back\\slash"),
]


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash reads the command")
def test_a_shell_reads_the_words_of_one_line() -> None:
    line = shell_line(["printf", "%s\\0", *WORDS])
    assert len(line.splitlines()) == 1
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=True, timeout=60)
    assert done.stdout.split(b"\0")[:-1] == [os.fsencode(word) for word in WORDS]


@pytest.mark.parametrize("word", [*WORDS, "\ud800", "\ud800\n"])
def test_a_word_is_one_line(word: str) -> None:
    assert len(shell_word(word).splitlines()) == 1
    arguments = ("t.py::test[" + word + "]", "--foreign-thread-stress=20")
    (repeat,) = rerun_lines(arguments)
    assert len(repeat.splitlines()) == 1
    (shown,) = page_data(filled(1, ASSERTION).as_data(arguments, 1.0))["rerun"]
    assert len(shown.splitlines()) == 1


def test_an_ordinary_word_is_quoted_as_ever() -> None:
    assert shell_line(["pytest", "t.py::test[a b]", "-k=it's"]) == "pytest 't.py::test[a b]' '-k=it'\"'\"'s'"
    assert shell_word("t.py::test[a\nb]") == "$'t.py::test[a\\nb]'"
