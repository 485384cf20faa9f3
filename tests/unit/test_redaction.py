"""What is taken for a secret, and what is not."""

from __future__ import annotations

import shlex
from typing import Final

import pytest

from pytest_foreignthread.report.kept.redaction import (
    Variables,
    has_secret,
    is_secret_name,
    jvm_words_without_secrets,
    shown_value,
    split_variables,
    without_secrets,
)

from ..planted_secrets import ARGUMENTS as PYTEST_ARGUMENTS
from ..planted_secrets import JVM_WORDS, VARIABLES, WORD

SECRET_NAMES: Final = (
    *("TOKEN", "GITHUB_TOKEN", "GITHUBTOKEN", "npm_config__authToken", "Tokens", "ACCESS_TOKEN2"),
    *("SECRET", "AWS_SECRET_ACCESS_KEY", "CLIENT_SECRETS", "secret.name"),
    *(
        "PASSWORD",
        "PGPASSWORD",
        "keyStorePassword",
        "MYSQL_PWD",
        "DBPWD",
        "passwd",
        "GPG_PASSPHRASE",
        "SSHPASS",
        "DB_PASS",
    ),
    *("API_KEY", "APIKEY", "apiKey", "api-key", "x.api.key", "KEY", "KEYS", "STRIPE_KEY_1", "AWS_ACCESS_KEY_ID"),
    *("GOOGLE_APPLICATION_CREDENTIALS", "CREDENTIAL", "SSH_AUTH_SOCK", "OAUTH2", "PROXY_AUTHORIZATION", "BASICAUTH"),
    *("COOKIE", "COOKIES", "PHPSESSID", "XDG_SESSION_ID", "SESSION", "JSESSIONID", "PRIVATE", "GITHUB_PAT"),
    *("DB_PW", "pgpw", "admin-pin", "STRIPE_SK", "HMAC_SEED", "slack_hook", "otp", "passwordSalt"),
    *("URL_SIGNATURE", "SENTRY_DSN", "AZURE_STORAGE_CONNECTION_STRING", "connectionString", "CONNSTR"),
)
PLAIN_NAMES: Final = (
    *("PATH", "HOME", "LANG", "LC_ALL", "USER", "SHELL", "TERM", "JAVA_HOME", "LD_LIBRARY_PATH"),
    *("KEYBOARD_LAYOUT", "GIT_AUTHOR_NAME", "AUTHORS", "MONKEY", "TURKEY_TIME", "KEYCLOAK_URL", "XAUTHORITY"),
    *("TOKENIZERS_PARALLELISM", "PYTHONHASHSEED", "PYTEST_XDIST_WORKER", "COMPASS", "BYPASS", "SECRETARY"),
    *("COLUMNS", "CI", "OMP_NUM_THREADS", "GOPRIVATE", "PATTERN", "CONNECTION_LIMIT", "STRING", "", "_", "1"),
)
SECRET_VALUES: Final = {
    "user and password": "postgres://me:hunter2@db.example/app",
    "a password with a slash": "amqp://me:a/b@host",
    "a password alone": "redis://:hunter2@localhost:6379/0",
    "a token as the user": "https://0123abcd@git.example/x.git",
    "among words": "--index-url https://me:pw@pypi.example/simple",
    "without a scheme": "me:hunter2@proxy.example:8080",
    "PEM": "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    "header": "Bearer abc",
    "header with its name": "Authorization: Basic bWU6cHc=",
    "GitHub": "ghp_0123456789abcdef",
    "GitHub, OAuth": "gho_0123456789abcdef",
    "GitHub, fine-grained": "github_pat_0123456789",
    "GitLab": "glpat-0123456789ab",
    "OpenAI": "sk-proj-0123456789ab",
    "Slack": "xoxb-0123456789-ab",
    "AWS": "AKIAIOSFODNN7EXAMPLE",
    "Google": "AIzaSyA0123456789",
    "in an option": "-Xmx1g -Djavax.net.ssl.keyStorePassword=changeit",
    "short property": "-Dpassword=x",
    "any property": "-ea -Dname=two",
    "Slack's address": "https://hooks.slack.com/services/T0/B0/x",
    "Discord's address": "https://discord.com/api/webhooks/1/x",
    "SendGrid": "SG.0123456789abcdef.0123456789",
    "Vault": "hvs.0123456789ab",
    "Stripe": "rk_live_0123456789ab",
    "option and value": "-q --api-token hunter2",
    "in a connection string": "Server=db;User=me;Password=hunter2",
    "after another equals sign": "dsn=password=x",
    "after a space": "password = hunter2",
    "in a query": "https://host/x?a=1&access_token=hunter2",
    "in JSON": '{"user": "me", "password": "hunter2"}',
}
PLAIN_VALUES: Final = {
    "nothing": "",
    "PATH": "/usr/bin:/home/me/key:/opt/openjdk@17/bin",
    "URL": "https://example.org:8080/a?b=c",
    "user alone": "ssh://git@example.org/x.git",
    "mail": "me@example.org",
    "image": "alpine:3.19@sha256:0123",
    "option": "-Xmx256m -Dfile.encoding=UTF-8",
    "what was left out": "-Da=[left out] --token=[left out] password: [left out]",
    "locale": "sk-SK.UTF-8",
    "words": "the token of a bearer, a key",
    "prefix in a word": "task-0123456789 disk-0123456789",
    "nothing assigned": "password=",
    "nothing assigned here": "password=; next",
    "key of another word": "monkey=1 keyboard=us",
    "LS_COLORS": "rs=0:di=01;34:*.tar=01;31",
    "long": "a" * 200_000,
}


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_secret_name(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_plain_name(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize("value", SECRET_VALUES.values(), ids=SECRET_VALUES)
def test_secret_value(value: str) -> None:
    assert has_secret(value)


@pytest.mark.parametrize("value", PLAIN_VALUES.values(), ids=PLAIN_VALUES)
def test_plain_value(value: str) -> None:
    assert not has_secret(value)


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_with_a_secret(name: str) -> None:
    variables = split_variables({"PATH": "/bin", name: VARIABLES[name]})
    assert variables == Variables({"PATH": "/bin"}, (name,))


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "HOME",
        "PYTHONHASHSEED",
        "PYTHON_GIL",
        "PYTEST_CURRENT_TEST",
        "JAVA_HOME",
        "LANG",
        "LC_ALL",
        "CI",
        "TMPDIR",
    ],
)
def test_a_variable_that_is_shown(name: str) -> None:
    assert split_variables({name: "/a b"}) == Variables({name: "/a b"}, ())


def test_variables_are_sorted() -> None:
    variables = split_variables({"PATH": "/bin", "B": "", "A": "", "HOME": "/home/\udcff"})
    assert list(variables.shown.items()) == [("HOME", "/home/\udcff"), ("PATH", "/bin")]
    assert variables.left_out == ("A", "B")


@pytest.mark.parametrize("name", ["JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS"])
def test_variables_that_hold_options_of_a_jvm(name: str) -> None:
    value = f"-Xmx9m {shlex.join(JVM_WORDS)} -Dfile.encoding=UTF-8"
    shown = shown_value(name, value)
    assert shown is not None
    assert WORD not in shown
    words = shlex.split(shown)
    assert (words[0], words[-1], words[1]) == ("-Xmx9m", "-Dfile.encoding=UTF-8", "-Ddb.password=[left out]")


@pytest.mark.parametrize("value", ["-Da='hunter2", "-Da=\"hunter2 ' hunter2"])
def test_options_with_an_open_quote(value: str) -> None:
    assert shown_value("JAVA_TOOL_OPTIONS", value) == "[left out]"


def test_the_variable_that_holds_options_of_pytest() -> None:
    value = shlex.join(["-q", *PYTEST_ARGUMENTS, f"--foreign-thread-jvm-args={shlex.join(JVM_WORDS)}", "-x"])
    shown = shown_value("PYTEST_ADDOPTS", value)
    assert shown is not None
    assert WORD not in shown
    assert shlex.split(shown)[:3] == ["-q", "--token=[left out]", "--db-pw=[left out]"]


JVM_ARGUMENTS: Final = {
    "sizes and flags": (["-Xmx9m", "-XX:+UseSerialGC", "-ea:a.b"], ["-Xmx9m", "-XX:+UseSerialGC", "-ea:a.b"]),
    "modules": (["--add-opens=a/b=c", "--enable-native-access=x"], ["--add-opens=a/b=c", "--enable-native-access=x"]),
    "a path": (["-XX:ErrorFile=/a b/c"], ["-XX:ErrorFile=/a b/c"]),
    "a property": (["-Dplain=x"], ["-Dplain=[left out]"]),
    "a property with no value": (["-Dplain", "-Dplain="], ["-Dplain", "-Dplain="]),
    "a property that is shown": (["-Djava.io.tmpdir=/t"], ["-Djava.io.tmpdir=/t"]),
    "a secret there": (["-Djava.io.tmpdir=ghp_0123456789"], ["-Djava.io.tmpdir=[left out]"]),
    "a secret as a name": (["-Dghp_0123456789ab=x"], ["[left out]"]),
    "an agent": (
        ["-javaagent:/a.jar=x", "-agentlib:jdwp=x"],
        ["-javaagent:/a.jar=[left out]", "-agentlib:jdwp=[left out]"],
    ),
    "an agent without options": (["-javaagent:/a.jar"], ["-javaagent:/a.jar"]),
    "a command": (["-XX:OnOutOfMemoryError=run x"], ["-XX:OnOutOfMemoryError=[left out]"]),
    "an address": (["-Xlog:file=https://me:x@host"], ["[left out]"]),
    "words": (["-Da=b", "c", "d", "-ea", "e", "f"], ["-Da=[left out]", "-ea", "[left out]"]),
    "what was filtered before": (["-Da=[left", "out]", "-ea"], ["-Da=[left out]", "-ea"]),
}


@pytest.mark.parametrize(("given", "shown"), JVM_ARGUMENTS.values(), ids=JVM_ARGUMENTS)
def test_jvm_arguments(given: list[str], shown: list[str]) -> None:
    assert jvm_words_without_secrets(given) == shown


@pytest.mark.parametrize("form", ["{}", "-o {}", "-o{}", "--override-ini={}"])
def test_jvm_arguments_in_an_ini_override(form: str) -> None:
    given = form.format("foreign_thread_jvm_args=-javaagent:a.jar=x").split()
    assert without_secrets(given)[-1].endswith("foreign_thread_jvm_args='-javaagent:a.jar=[left out]'")


ARGUMENTS: Final = {
    "none": ([], []),
    "plain": (["-q", "--maxfail=1", "tests"], ["-q", "--maxfail=1", "tests"]),
    "after an equals sign": (["--token=abc", "-q"], ["--token=[left out]", "-q"]),
    "as the next word": (["--token", "abc", "-q"], ["--token", "[left out]", "-q"]),
    "an option follows": (["--with-auth", "-q"], ["--with-auth", "-q"]),
    "ini override": (["-o", "api_key=abc"], ["-o", "api_key=[left out]"]),
    "URL": (["http://me:pw@host/?a=b"], ["[left out]"]),
    "URL in an option": (["--db=pg://me:pw@host"], ["--db=[left out]"]),
    "words in an option": (["--args=-ea -Dpassword=x"], ["--args=[left out]"]),
    "of the JVM": (
        ["--foreign-thread-jvm-args=-Xmx9m -Dplain=x", "-q"],
        ["--foreign-thread-jvm-args=-Xmx9m '-Dplain=[left out]'", "-q"],
    ),
    "of the JVM, as the next word": (
        ["--foreign-thread-jvm-args", "-Dplain=x"],
        ["--foreign-thread-jvm-args", "'-Dplain=[left out]'"],
    ),
    "of pytest, in an ini override": (["-o", "addopts=-q --token=x"], ["-o", "addopts=-q '--token=[left out]'"]),
    "a secret as a name": (["ghp_0123456789abcdef=x"], ["[left out]"]),
    "by its form": (["ghp_0123456789abcdef"], ["[left out]"]),
    "a node id": (["test_a.py::test[token=abc]"], ["test_a.py::test[token=abc]"]),
    "colons in an option": (["--token=a::b"], ["--token=[left out]"]),
}


@pytest.mark.parametrize(("given", "shown"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_arguments(given: list[str], shown: list[str]) -> None:
    assert without_secrets(given) == shown


def test_planted_arguments() -> None:
    shown = without_secrets(PYTEST_ARGUMENTS)
    assert WORD not in " ".join(shown)
    assert len(shown) == len(PYTEST_ARGUMENTS)
