"""Secrets of many kinds: each has the word `hunter2` in it, and none may be in what is kept for others to see."""

from __future__ import annotations

from typing import Final

WORD: Final = "hunter2"

# By their names some are no secrets, by their form others.
VARIABLES: Final = {
    "DB_PW": "hunter2",
    "STRIPE_SK": "hunter2",
    "HMAC_SEED": "hunter2",
    "ADMIN_PIN": "hunter2",
    "ROOT": "hunter2",
    "LUKS": "hunter2",
    "WALLET_WORDS": "hunter2 hunter2",
    "MY_LICENCE": "hunter2",
    "GITHUB_TOKEN": "hunter2",
    "AWS_SECRET_ACCESS_KEY": "hunter2",
    "AWS_ACCESS_KEY_ID": "AKIAhunter2hunter2",
    "PGPASSWORD": "hunter2",
    "PASSWORD": "hunter2",
    "CI_JOB_TOKEN": "hunter2",
    "CI_JOB_JWT": "eyJhbGciOiJIUzI1NiJ9.hunter2",
    "CI_REPOSITORY_URL": "https://ci:hunter2@git.example/x.git",
    "ACTIONS_RUNTIME_URL": "https://pipelines.example/hunter2",
    "PIP_INDEX_URL": "https://me:hunter2@pypi.example/simple",
    "UV_INDEX": "https://pypi.example/hunter2/simple",
    "HTTP_PROXY": "http://me:hunter2@proxy.example:8080",
    "https_proxy": "http://hunter2@proxy.example",
    "DATABASE_URL": "postgres://me:hunter2@db.example/app",
    "REDIS": "redis://:hunter2@localhost/0",
    "MONGO": "mongodb+srv://me:hunter2@cluster.example",
    "AMQP": "amqp://me:hunter2@mq.example",
    "SQL": "Server=db;User=me;Pwd=hunter2",
    "SENTRY_DSN": "https://hunter2@sentry.example/1",
    "SLACK": "https://hooks.slack.com/services/T00000000/B00000000/hunter2",
    "DISCORD": "https://discord.com/api/webhooks/1/hunter2",
    "TELEGRAM": "1234567890:AAhunter2",
    "SENDGRID": "SG.hunter2hunter2hunter2.hunter2",
    "TWILIO": "SKhunter2hunter2hunter2",
    "OPENAI": "sk-proj-hunter2hunter2",
    "STRIPE": "sk_live_hunter2hunter2",
    "NPM": "npm_hunter2hunter2",
    "PYPI": "pypi-hunter2hunter2",
    "VAULT": "hvs.hunter2hunter2",
    "AGE": "AGE-SECRET-KEY-1HUNTER2hunter2",
    "PEM": "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----",
    "KUBE": "apiVersion: v1\nusers:\n- token: hunter2",
    "NETRC_LINE": "machine host login me password hunter2",
    "BASIC": "Basic aHVudGVyMg== hunter2",
    "LDAP_BIND": "cn=me,hunter2",
    # Names that are shown, of values that are not.
    "PYTHONPATH": "/src:https://me:hunter2@pypi.example",
    "PYTHONWARNINGS": "ignore::Warning:token=hunter2",
    "CLASSPATH": "/lib/a.jar:https://me:hunter2@maven.example/b.jar",
    "LD_LIBRARY_PATH": "/lib:ghp_hunter2hunter2",
    "LC_SECRET": "token=hunter2",
    "TZ": "Bearer hunter2",
}
"""Environment variables."""

JVM_WORDS: Final = (
    "-Ddb.password=hunter2",
    "-Dadmin.pin=hunter2",
    "-Dplain=hunter2",
    "-Dwith.blank=hunter2 and hunter2",
    "-Djava.class.path=https://me:hunter2@maven.example/b.jar",
    "-Djavax.net.ssl.trustStorePassword=hunter2",
    "-XX:OnError=true hunter2",
)
"""Arguments that every JVM takes."""

ARGUMENTS: Final = (
    *("--token=hunter2", "--db-pw=hunter2", "--stripe-sk", "hunter2", "--admin-pin=hunter2", "--hmac-seed=hunter2"),
    *(
        "--slack=https://hooks.slack.com/services/T0/B0/hunter2",
        "--url=https://me:hunter2@host",
        "-o",
        "api_key=hunter2",
    ),
)
"""Arguments of pytest."""
