"""What is left of HotSpot's own documents when its quotes of options and variables are filtered."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from pytest_foreignthread.evidence.hs_err import parse_fatal_error
from pytest_foreignthread.report.kept.document_redaction import start_text_without_secrets, without_secrets

from ..planted_secrets import JVM_WORDS, VARIABLES, WORD

DATA: Final = Path(__file__).parents[1] / "data"


def document(name: str) -> str:
    return (DATA / f"{name}.txt").read_text(encoding="utf-8")


def filtered(text: str, name: str = "hs_err") -> str:
    return without_secrets({name: text})[name]


@pytest.mark.parametrize("jdk", ["17", "25"])
def test_a_real_crash_with_many_secrets(jdk: str) -> None:
    found = filtered(document(f"options-hs_err-{jdk}"))
    lines = found.splitlines()
    assert WORD not in found
    # What follows the last option is a value that no one can tell from a secret.
    assert "java_command: <unknown>" in lines
    assert "CLASSPATH=[left out]" in lines
    assert {"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "TZ=UTC", "LD_LIBRARY_PATH=/home/user/lib"} <= set(lines)
    (command,) = [line for line in lines if line.startswith("Command Line: ")]
    assert {"-Xmx64m", "-XX:-UsePerfData", "-Dfile.encoding=UTF-8", "-Duser.language=en"} <= set(command.split())
    assert "-Ddb.password=[left out] -Dq=[left out] -Xmx64m" in command
    assert "JAVA_TOOL_OPTIONS='-Ddb.password=[left out]' '-Dq=[left out]' -Xmx64m" in lines
    (flag,) = [line.split("=") for line in lines if line.startswith("ccstrlist OnError ")]
    assert flag[1].split() == ["[left", "out]", "{product}", "{command", "line}"]


@pytest.mark.parametrize("jdk", ["17", "25"])
def test_what_a_crash_is_known_by_stays(jdk: str) -> None:
    text = document(f"options-hs_err-{jdk}")
    assert parse_fatal_error(filtered(text)) == parse_fatal_error(text)


@pytest.mark.parametrize("jdk", ["17", "25"])
@pytest.mark.parametrize("name", ["stdout", "jvm_start"])
def test_what_a_jvm_says_as_it_starts_and_dies(jdk: str, name: str) -> None:
    text = document(f"options-stdout-{jdk}")
    found = filtered(text, name)
    assert WORD not in found
    assert "Picked up JAVA_TOOL_OPTIONS: -Ddb.password=[left out] -Dq=[left out] -Xmx64m\n" in found
    assert set(found.splitlines()) > {line for line in text.splitlines() if WORD not in line}


@pytest.mark.parametrize(
    "name", [path.stem for path in sorted(DATA.glob("*.txt")) if not path.stem.startswith("options")]
)
def test_other_documents_stay_as_they_are(name: str) -> None:
    text = document(name)
    assert filtered(text, name.partition("-")[0]) == text


@pytest.mark.parametrize("word", JVM_WORDS)
@pytest.mark.parametrize(
    "line",
    [
        "Picked up JAVA_TOOL_OPTIONS: {}",
        "Picked up _JAVA_OPTIONS: -Xmx9m {}",
        "NOTE: Picked up JDK_JAVA_OPTIONS: {} -ea",
        "[0.003s][info][arguments] VM Arguments:\n[0.003s][info][arguments] jvm_args: {} -Xmx9m",
        "[0.001s][info][arguments] Command line: {}",
        "Picked up JAVA_TOOL_OPTIONS: -Xmx9m\n{}",
    ],
)
def test_start_text(line: str, word: str) -> None:
    found = start_text_without_secrets(f"{line.format(word)}\nUnrecognized VM option 'No'")
    assert WORD not in found
    assert found.endswith("\nUnrecognized VM option 'No'")
    assert start_text_without_secrets(found) == found


@pytest.mark.parametrize(
    "text",
    [
        "Unrecognized VM option 'NoSuchFlag'\nDid you mean 'Such'?",
        "Error: Could not create the Java Virtual Machine.",
        "Picked up JAVA_TOOL_OPTIONS: -Xmx64m -Dfile.encoding=UTF-8",
        "WARNING: Use --enable-native-access=ALL-UNNAMED",
        "",
    ],
)
def test_start_text_without_a_secret(text: str) -> None:
    assert start_text_without_secrets(text) == text


@pytest.mark.parametrize("word", JVM_WORDS)
@pytest.mark.parametrize(
    ("section", "end"),
    [
        ("Command Line: ", "\n\nHost: x\n"),
        ("VM Arguments:\njvm_args: ", "\njava_command: <unknown>\nLauncher Type: generic\n"),
        ("VM Arguments:\njvm_flags: ", "\njvm_args: -ea\njava_command: <unknown>\nLauncher Type: generic\n"),
        ("Command Line: ", ""),
        ("VM Arguments:\njvm_args: ", ""),
    ],
)
def test_the_command_line_of_a_crash(section: str, word: str, end: str) -> None:
    """Of one that was torn off in the middle, too."""
    found = filtered(f"{section}-Xmx9m {word} -XX:+UseSerialGC{end}")
    assert WORD not in found
    assert found.startswith(f"{section}-Xmx9m")
    assert "-XX:+UseSerialGC" in found
    assert found.endswith(end)


@pytest.mark.parametrize("command", ["Main --db-pw hunter2", "/a.jar hunter2\nhunter2", "hunter2"])
def test_the_program_of_a_jvm_that_java_started(command: str) -> None:
    found = filtered(f"VM Arguments:\njava_command: {command}\njava_class_path (initial): /a.jar\nLauncher Type: x\n")
    expected = "VM Arguments:\njava_command: [left out]\njava_class_path (initial): /a.jar\nLauncher Type: x\n"
    assert found == expected


@pytest.mark.parametrize("end", ["\nActive Locale:\nLC_ALL=C\n", "\nSignal Handlers:\n", ""])
def test_the_variables_of_a_crash(end: str) -> None:
    section = "".join(f"{name}={value}\n" for name, value in VARIABLES.items())
    found = filtered(f"Environment Variables:\n{section}PATH=/bin\n{end}")
    assert WORD not in found
    assert found.endswith(f"PATH=/bin\n{end}")
    assert all(f"\n{name}=[left out]\n" in found for name in VARIABLES if name not in ("SQL", "KUBE"))


@pytest.mark.parametrize("name", ["OnError", "OnOutOfMemoryError", "HeapDumpPath"])
def test_a_flag_that_is_a_command_or_has_a_secret(name: str) -> None:
    value = "curl hunter2" if name.startswith("On") else "https://me:hunter2@host"
    line = f"ccstrlist {name:40} = {value}     {{product}} {{command line}}\n"
    assert filtered(line) == line.replace(value, "[left out]")


def test_a_flag_that_was_given_twice() -> None:
    lines = [
        f"{head}= run hunter2     {{product}} {{command line}}\n" for head in ("ccstrlist OnError ", "   OnError +")
    ]
    assert filtered("".join(lines)) == "".join(lines).replace("run hunter2", "[left out]")


def test_the_commands_of_a_dying_jvm() -> None:
    text = '#\n# -XX:OnError="run hunter2\nthen hunter2"\n#   Executing /bin/sh -c "run hunter2" ...\nof the test\n'
    shown = "#\n# -XX:OnError=[left out]\n#   Executing [left out]\nof the test\n"
    assert filtered(text, "stdout") == shown


def test_a_flag_that_is_a_path() -> None:
    line = "    ccstr ErrorFile                                = /home/me/my project/hs_err     {product}\n"
    assert filtered(line) == line


def test_the_tests_own_words_stay() -> None:
    text = "Command Line: -Da=1\nEnvironment Variables:\nA=1\n-Da=1\n"
    assert filtered(text, "stdout") == text
