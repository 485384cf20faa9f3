"""Removes secrets from the documents of a failure, where HotSpot quotes command lines and environment variables.

Nothing else is changed: stacks, and what the test wrote, stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from ...model import documents
from .redaction import LEFT_OUT, has_secret, jvm_words_without_secrets, shown_value

# Any document may have the error log in it: an option lets HotSpot write the log to stdout.
_HS_ERR: Final = re.compile(r"^-{5,} +S U M M A R Y", re.M)
# Each pattern ends where the next section that HotSpot prints begins, and not at a line's end: a value may have several
# lines. The blanks behind a value are a part of the match: a pattern that looked for them at each character would take
# a time that grows by the square of their number.
_COMMAND_LINE: Final = re.compile(r"^(Command Line: ?)(.*?)(?=^Host: |\Z)", re.M | re.S)
_ARGUMENTS_END: Final = r"jvm_flags: |jvm_args: |java_command: |java_class_path \(initial\): |Launcher Type: "
_ARGUMENTS: Final = re.compile(rf"^(jvm_(?:flags|args): )(.*?)(?=^(?:{_ARGUMENTS_END})|\Z)", re.M | re.S)
_PROGRAM: Final = re.compile(rf"^(java_command: )(?!<unknown>\s)(.*?)(?=^(?:{_ARGUMENTS_END})|\Z)", re.M | re.S)
_CLASS_PATH: Final = re.compile(rf"^(java_class_path \(initial\): )(.*?)(?=^(?:{_ARGUMENTS_END})|\Z)", re.M | re.S)
_FLAG: Final = re.compile(r"^((?:ccstr\w* +| +)(\w+) +[+:]?= )(.*?)(\{[a-z].*)?$", re.M)
_VARIABLES: Final = re.compile(
    r"^(Environment Variables:\n)(.*?)(?=^(?:Active Locale|Signal Handlers):|^-{5,} +[A-Z] [A-Z] |\Z)", re.M | re.S
)
_VARIABLE: Final = re.compile(r"^([A-Za-z_]\w*=)(.*?)(?=^[A-Za-z_]\w*=|\Z)", re.M | re.S)

# The value of a variable may have several lines. Lines that begin like an option belong to it.
_PICKED_UP: Final = re.compile(r"^((?:NOTE: )?Picked up \w+: )(.*(?:\n-.*)*)", re.M)
_LOGGED: Final = re.compile(r"^(.*?\b(?:jvm_flags|jvm_args|java_command|[Cc]ommand [Ll]ine): )(.*)", re.M)
# A word may end in what an earlier pattern left out; that has a blank in it.
_WORD: Final = re.compile(rf"\S*{re.escape(LEFT_OUT)}|\S+")
# What a dying JVM prints about the commands of -XX:OnError: a line for each command, then the command that it runs.
_COMMANDS: Final = re.compile(r"^(# -XX:On(?:Error|OutOfMemoryError)=)(.*?)(?=\n#   Executing |\Z)", re.M | re.S)
_COMMAND: Final = re.compile(r"^(#   Executing ).*$", re.M)
_PROPERTY: Final = re.compile(r"(?<![\w-])-D[^\s=]+=\S.*")


def without_secrets(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the documents by name, with `[left out]` in place of each secret that HotSpot quotes."""
    return {name: _shown(name, text) for name, text in texts.items()}


def _shown(name: str, text: str) -> str:
    for rule in (_COMMANDS, _COMMAND):
        text = rule.sub(rf"\1{LEFT_OUT}", text)
    if name == documents.HS_ERR or _HS_ERR.search(text):
        text = _hs_err(text)
    if name == documents.JVM_START:
        return start_text_without_secrets(text)
    # A Java program that the test started prints this line to the test's stderr as well.
    return _PICKED_UP.sub(lambda found: found[1] + _words(found[2]), text)


def start_text_without_secrets(text: str) -> str:
    """Return what a JVM prints while it starts, with `[left out]` in place of each secret in its arguments."""
    text = _PICKED_UP.sub(lambda found: found[1] + _words(found[2]), text)
    text = _LOGGED.sub(lambda found: found[1] + _words(found[2]), text)
    return _PROPERTY.sub(lambda found: _words(found[0]), text)


def _words(text: str) -> str:
    """Return the arguments of a JVM, as HotSpot quotes them, without secrets.

    HotSpot joins the arguments with blanks, so a blank in an argument looks like the end of the argument.
    """
    return " ".join(jvm_words_without_secrets(_WORD.findall(text)))


def _hs_err(text: str) -> str:
    text = _COMMAND_LINE.sub(lambda found: found[1] + _before_blanks(_words, found[2]), text)
    text = _ARGUMENTS.sub(lambda found: found[1] + _before_blanks(_words, found[2]), text)
    text = _PROGRAM.sub(lambda found: found[1] + _before_blanks(lambda _: LEFT_OUT, found[2]), text)
    text = _CLASS_PATH.sub(lambda found: found[1] + _before_blanks(_paths, found[2]), text)
    text = _FLAG.sub(_flag, text)
    return _VARIABLES.sub(lambda found: found[1] + _VARIABLE.sub(_variable, found[2]), text)


def _before_blanks(shown: Callable[[str], str], text: str) -> str:
    """Return what is shown of a text; the blanks and line ends at the text's end stay as they are."""
    value = text.rstrip()
    return shown(value) + text[len(value) :]


def _paths(text: str) -> str:
    return LEFT_OUT if has_secret(text) else text


def _flag(found: re.Match[str]) -> str:
    def shown(text: str) -> str:
        value = jvm_words_without_secrets([f"-XX:{found[2]}={text}"])[0].partition("=")[2]
        return value or LEFT_OUT

    return f"{found[1]}{_before_blanks(shown, found[3])}{found[4] or ''}"


def _variable(found: re.Match[str]) -> str:
    return found[1] + _before_blanks(lambda value: _shown_variable(found[1][:-1], value), found[2])


def _shown_variable(name: str, value: str) -> str:
    shown = shown_value(name, value)
    return LEFT_OUT if shown is None else shown
