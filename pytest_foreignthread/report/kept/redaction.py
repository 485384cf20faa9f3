"""Removes secrets from environment variables and command lines, so that others may see these.

Variables and Java's system properties are shown only if a list has their names. For command-line options there can be
no such list, because they may be those of any program. So an option's value is left out if the value has the form of a
secret, or if the option's name asks for one. Names are judged word by word: API_KEY, api-key and apiKey are alike. In
doubt a value counts as a secret.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from . import shown_names

LEFT_OUT: Final = "[left out]"

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_WORDS_OF_ANY_CASE: Final = re.compile(r"[A-Za-z]+")
_SECRET_WORD: Final = re.compile(
    r"\w*(?:token|secret|password|passwd|passphrase|passcode|credential|cookie|signature|auth|pwd|dsn|hmac|salt)s?"
    r"|\w*sess(?:ion)?(?:id)?s?|(?!(?:mon|don|tur|hoc|joc|whis)key)\w*keys?"
    r"|private|authorization|bearer|jwt|pat|webhook|hook|mnemonic|sk|otp|pin|(?:db|my|pg)?pw|(?:db|pg|ssh|user)?pass",
    re.IGNORECASE,
)
_SECRET_PHRASE: Final = re.compile(r"connection[-_.]?string|conn[-_.]?str(?![a-z])", re.IGNORECASE)

_SECRET_FORM: Final = re.compile(
    # A user's name and password without a scheme; the digest of a container image, which looks alike, is no secret.
    r"(?<!\S)[\w.+-]+:[^\s/@:]+@(?!sha256:)[\w.(-]"
    # The address of a web hook is a secret itself: who knows it may post there.
    r"|://hooks\.\w+\.\w+/\S|/api/webhooks/\S|\.webhook\.office\.com/\S|://api\.telegram\.org/bot\S"
    r"|-----BEGIN [A-Z0-9 ]+-----|\beyJ[\w-]{8,}|\b[Bb]earer\s+\S"
    r"|\b(?:gh[opsur]_|github_pat_|glpat-|[rs]k[-_]|xox[a-z]-|xapp-|AKIA|ASIA|AIza|npm_|pypi-|hf_|whsec_|dckr_pat_"
    r"|dop_v1_|shp(?:at|ca|pa|ss)_|lin_api_|AGE-SECRET-KEY-|ya29\.|hv[bs]\.|SG\.)[\w-]{8,}"
)
# What stands before the `@` of a URL with a password.
_USER: Final = re.compile(r"://[^/:]*:.|https?://[^/:]+\Z")
# `token=x` in an option, a URL's query or a connection string, `"token": "x"`, `Authorization: x`.
_ASSIGNED: Final = re.compile(
    r"(?<![\w.-])(?:-D|--?)?([A-Za-z_][\w.-]*)(?:[\"']?\s*=\s*|[\"']\s*:\s*|:\s+)(?=[\"']?[^\s\"'&;,])"
    rf"(?!{re.escape(LEFT_OUT)})"
)
_FLAGGED: Final = re.compile(rf"(?<!\S)--([A-Za-z][\w-]*)\s+(?=[^\s-])(?!{re.escape(LEFT_OUT)})")
_PROPERTY: Final = re.compile(rf"(?<![\w-])-D([^\s=]+)=(?=\S)(?!{re.escape(LEFT_OUT)})")
# Options, and keys of an ini file (after `-o`, or as a separate argument), whose values are command lines themselves.
_JVM_ARGUMENTS: Final = frozenset({"--foreign-thread-jvm-args", "foreign_thread_jvm_args"})
_PYTEST_ARGUMENTS: Final = frozenset({"addopts"})
# `--name=`, `name=`, `-oname=`, `--override-ini=name=`.
_NAMED: Final = re.compile(r"(?:-o|--override-ini=)?([\w.-]+)=")
_JVM_OPTION: Final = re.compile(
    r"-(?:X|-(?:add|enable|illegal|limit|module|patch|upgrade)-|(?:ea|da|esa|dsa|verbose|server|client)\b)"
)
_MOST_SPLIT: Final = 16 * 1024
"""Characters of the longest text that is split into shell words; a longer one is left out."""
# The options of an agent have no known form, and a command may be anything: their values are never shown.
_OPAQUE_JVM_OPTION: Final = re.compile(r"-(?:javaagent|agentlib|agentpath):|-XX:On(?:Error|OutOfMemoryError)=")


def is_secret_name(name: str) -> bool:
    words = [*_WORDS.findall(name), *_WORDS_OF_ANY_CASE.findall(name)]
    return any(map(_SECRET_WORD.fullmatch, words)) or _SECRET_PHRASE.search(name) is not None


def has_secret(value: str) -> bool:
    """Return whether a value has the form of a secret, or contains an assignment to a name that asks for one."""
    # One search for all that may stand before an `@` would take a time that grows by the square of the text's length.
    before_at = (part for word in value.split() for part in word.split("@")[:-1])
    if _SECRET_FORM.search(value) or any(map(_USER.search, before_at)):
        return True
    if any(found[1] not in shown_names.PROPERTIES for found in _PROPERTY.finditer(value)):
        return True
    return any(is_secret_name(found[1]) for rule in (_ASSIGNED, _FLAGGED) for found in rule.finditer(value))


@dataclass(frozen=True)
class Variables:
    """Environment variables that may be shown, and the names of the others."""

    shown: dict[str, str]
    left_out: tuple[str, ...]


def split_variables(environ: Mapping[str, str]) -> Variables:
    values = {name: shown_value(name, environ[name]) for name in sorted(environ)}
    shown = {name: value for name, value in values.items() if value is not None}
    return Variables(shown, tuple(name for name in values if name not in shown))


def shown_value(name: str, value: str) -> str | None:
    """Return the value of an environment variable, with `[left out]` in place of secrets; None if it is not shown."""
    if name in shown_names.JVM_OPTION_VARIABLES:
        return jvm_text_without_secrets(value)
    if name in shown_names.PYTEST_OPTION_VARIABLES:
        return _pytest_text_without_secrets(value)
    return None if not shown_names.is_shown_variable(name) or has_secret(value) else value


def without_secrets(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of a command line, with `[left out]` in place of each secret. Node ids are not changed."""
    return [_shown(argument, before) for before, argument in zip(["", *arguments], arguments, strict=False)]


def _shown(argument: str, before: str) -> str:
    takes_value = before.startswith("--") and "=" not in before and not argument.startswith("-")
    if before in _JVM_ARGUMENTS or (takes_value and is_secret_name(before)):
        return _shown_as_value(before, argument)
    if "::" in argument and not argument.startswith("-"):
        return argument
    named = _NAMED.match(argument)
    if named is None or has_secret(named[1]):
        return LEFT_OUT if has_secret(argument) else argument
    return f"{named[0]}{_shown_as_value(named[1], argument[named.end() :])}"


def _shown_as_value(name: str, value: str) -> str:
    if name in _JVM_ARGUMENTS:
        return jvm_text_without_secrets(value)
    if name in _PYTEST_ARGUMENTS:
        return _pytest_text_without_secrets(value)
    return LEFT_OUT if has_secret(f"{name}={value}") else value


def _pytest_text_without_secrets(text: str) -> str:
    words = _shell_words(text)
    return LEFT_OUT if words is None else shlex.join(without_secrets(words))


def jvm_text_without_secrets(text: str) -> str:
    """Return the arguments of a JVM with `[left out]` in place of each secret. Argument and result are shell words."""
    words = _shell_words(text)
    return LEFT_OUT if words is None else shlex.join(jvm_words_without_secrets(words))


def jvm_words_without_secrets(words: Iterable[str]) -> list[str]:
    """Return the arguments of a JVM with `[left out]` in place of each secret; adjacent ones become one.

    A word that is no known option is left out as well: it may be the rest of a secret that has a blank in it.
    """
    shown: list[str] = []
    for word in map(_shown_jvm_word, words):
        if word != LEFT_OUT or not shown or not shown[-1].endswith(LEFT_OUT):
            shown.append(word)
    return shown


def _shown_jvm_word(word: str) -> str:
    name, equals, _ = word.partition("=")
    if word.startswith("-D") and not has_secret(name[2:]):
        return word if not has_secret(word) else f"{name}={LEFT_OUT}"
    if _OPAQUE_JVM_OPTION.match(word) and not has_secret(name):
        return f"{name}={LEFT_OUT}" if equals else word
    return word if _JVM_OPTION.match(word) and not has_secret(word) else LEFT_OUT


def _shell_words(text: str) -> list[str] | None:
    try:
        # shlex joins a word character by character, in a time that grows by the square of the word's length.
        return shlex.split(text) if len(text) <= _MOST_SPLIT else None
    except ValueError:
        return None
