"""What is taken for a secret, and what is not."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_foreignthread.redaction import has_secret, is_secret_name, split_variables, without_secrets

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
    *("URL_SIGNATURE", "SENTRY_DSN", "AZURE_STORAGE_CONNECTION_STRING", "connectionString", "CONNSTR"),
)
PLAIN_NAMES: Final = (
    *("PATH", "PWD", "OLDPWD", "HOME", "LANG", "LC_ALL", "USER", "SHELL", "TERM", "JAVA_HOME", "LD_LIBRARY_PATH"),
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
    "option": "-Xmx256m -Dname=two",
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


def test_variables() -> None:
    variables = split_variables({"PATH": "/bin", "PROXY": "http://me:pw@proxy", "A_TOKEN": "", "HOME": "/home/\udcff"})
    assert variables.shown == {"HOME": "/home/\udcff", "PATH": "/bin"}
    assert list(variables.shown) == ["HOME", "PATH"]
    assert variables.left_out == ("A_TOKEN", "PROXY")


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
    "by its form": (["ghp_0123456789abcdef"], ["[left out]"]),
    "a node id": (["test_a.py::test[token=abc]"], ["test_a.py::test[token=abc]"]),
    "colons in an option": (["--token=a::b"], ["--token=[left out]"]),
}


@pytest.mark.parametrize(("given", "shown"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_arguments(given: list[str], shown: list[str]) -> None:
    assert without_secrets(given) == shown
