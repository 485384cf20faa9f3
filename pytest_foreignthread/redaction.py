"""What looks like a secret, by its name or by its form, and what is left without it.

Names are judged word by word, in API_KEY, api-key and apiKey alike. In doubt a value is taken for a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

LEFT_OUT: Final = "[left out]"

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_WORDS_OF_ANY_CASE: Final = re.compile(r"[A-Za-z]+")
_SECRET_WORD: Final = re.compile(
    r"\w*(?:token|secret|password|passwd|passphrase|credential|cookie|signature|auth|pwd|dsn)s?"
    r"|\w*sess(?:ion)?(?:id)?s?|(?!(?:mon|don|tur|hoc|joc|whis)key)\w*keys?"
    r"|private|authorization|bearer|jwt|pat|webhook|(?:db|pg|ssh|user)?pass",
    re.IGNORECASE,
)
_SECRET_PHRASE: Final = re.compile(r"connection[-_.]?string|conn[-_.]?str(?![a-z])", re.IGNORECASE)
_HARMLESS: Final = frozenset({"PWD", "OLDPWD"})

_SECRET_FORM: Final = re.compile(
    r"://[^\s/@:]*:[^\s@]+@|https?://[^\s/@:]+@"
    # The same without a scheme, which a digest of a container image resembles.
    r"|(?<!\S)[\w.+-]+:[^\s/@:]+@(?!sha256:)[\w.(-]"
    r"|-----BEGIN [A-Z0-9 ]+-----|\beyJ[\w-]{8,}|\b[Bb]earer\s+\S"
    r"|\b(?:gh[opsur]_|github_pat_|glpat-|sk[-_]|xox[a-z]-|AKIA|ASIA|AIza|npm_|pypi-|hf_)[\w-]{8,}"
)
# `token=x` in an option, a URL's query or a connection string, `"token": "x"`, `Authorization: x`.
_ASSIGNED: Final = re.compile(
    r"(?<![\w.-])(?:-D|--?)?([A-Za-z_][\w.-]*)(?:[\"']?\s*=\s*|[\"']\s*:\s*|:\s+)(?=[\"']?[^\s\"'&;,])"
)
_FLAGGED: Final = re.compile(r"(?<!\S)--([A-Za-z][\w-]*)\s+(?=[^\s-])")


def is_secret_name(name: str) -> bool:
    if name in _HARMLESS:
        return False
    words = [*_WORDS.findall(name), *_WORDS_OF_ANY_CASE.findall(name)]
    return any(map(_SECRET_WORD.fullmatch, words)) or _SECRET_PHRASE.search(name) is not None


def has_secret(value: str) -> bool:
    """Whether a value has the form of a secret, or gives one to a name that asks for it."""
    if _SECRET_FORM.search(value):
        return True
    return any(is_secret_name(found[1]) for rule in (_ASSIGNED, _FLAGGED) for found in rule.finditer(value))


@dataclass(frozen=True)
class Variables:
    """Environment variables that may be shown, and the names of the others."""

    shown: dict[str, str]
    left_out: tuple[str, ...]


def split_variables(environ: Mapping[str, str]) -> Variables:
    left_out = sorted(name for name, value in environ.items() if is_secret_name(name) or has_secret(value))
    return Variables({name: environ[name] for name in sorted(environ.keys() - set(left_out))}, tuple(left_out))


def without_secrets(arguments: Sequence[str]) -> list[str]:
    """Give the arguments of a command line, `[left out]` in place of each secret; node ids stay as they are."""
    return [_shown(argument, before) for before, argument in zip(["", *arguments], arguments, strict=False)]


def _shown(argument: str, before: str) -> str:
    takes_secret = before.startswith("--") and "=" not in before and is_secret_name(before)
    if takes_secret and not argument.startswith("-"):
        return LEFT_OUT
    is_nodeid = "::" in argument and not argument.startswith("-")
    if is_nodeid or not has_secret(argument):
        return argument
    name, equals, _ = argument.partition("=")
    return f"{name}={LEFT_OUT}" if equals and not has_secret(name) else LEFT_OUT
