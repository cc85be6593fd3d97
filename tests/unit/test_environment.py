"""How the variables of the environment are read."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from backend.devserver import CHECKOUT
from backend.environment import GROUPS, list_names, normalize_environment, read_environment

NEEDED = {
    "SECRET_KEY": "x",
    "DATABASE_URL": "postgres://x@127.0.0.1/x",
    "STRIPE_WEBHOOK_SECRET": "whsec_1",
}
ALL = [
    name
    for group in GROUPS
    for first, field in group.model_fields.items()
    for name in list_names(first, field)
]


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """No variable but those without which nothing starts."""
    for name in ALL:
        monkeypatch.delenv(name, raising=False)
    for name, value in (NEEDED | {"DATA_DIR": str(tmp_path)}).items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_a_variable_that_is_set_and_empty_is_as_unset_for_every_variable(environment):
    unset = read_environment()
    for name in ALL:
        if not os.environ.get(name):
            environment.setenv(name, "")
    assert read_environment() == unset
    assert (unset.FRONTEND_URL, unset.PORT) == ("", 8000)


def test_settings_are_those_of_the_defaults_if_every_variable_is_empty(tmp_path):
    """Django's own view of it, in a process of its own: with variables unset and with all empty."""
    ask = (
        "import json; from backend import settings as s;"
        "names = [name for name in dir(s) if name.isupper() and name != 'UNFOLD'];"
        "print(json.dumps({name: repr(getattr(s, name)) for name in names}))"
    )

    def start(**more: str) -> dict[str, str]:
        given = NEEDED | {"DATA_DIR": str(tmp_path), "PATH": os.defpath, "PYTHONHASHSEED": "0"}
        command = [sys.executable, "-c", ask]
        done = subprocess.run(
            command, env=more | given, cwd=CHECKOUT, capture_output=True, text=True, check=True
        )
        found: dict[str, str] = json.loads(done.stdout)
        return {name: value for name, value in found.items() if " at 0x" not in value}

    assert start(**dict.fromkeys(ALL, "")) == start()


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("EMAIL_PORT", "smtp", "EMAIL_PORT should be a valid integer, unable to parse"),
        ("HEARTBEAT_TIMEOUT", "long", "HEARTBEAT_TIMEOUT should be a valid number"),
        ("DEBUG", "perhaps", "DEBUG should be a valid boolean"),
        ("KEEP_HISTORY_MONTHS", "-1", "KEEP_HISTORY_MONTHS should be greater than or equal to 0"),
        ("COOKIE_SAMESITE", "no", "COOKIE_SAMESITE is Lax, Strict or None."),
        ("THROTTLE_ACCOUNT", "many", "THROTTLE_ACCOUNT is a rate such as 60/min, or off."),
        ("LOG_LEVEL", "loud", "LOG_LEVEL should be 'DEBUG', 'INFO',"),
        ("SECRET_KEY", "", "Set SECRET_KEY: A long random string that nobody else knows."),
    ],
)
def test_a_wrong_value_is_named_in_one_line(environment, name, value, line):
    environment.setenv(name, value)
    with pytest.raises(ImproperlyConfigured) as refused:
        read_environment()
    [said] = str(refused.value).splitlines()
    assert said.startswith(line)


def test_every_wrong_value_has_its_line(environment):
    environment.setenv("EMAIL_PORT", "smtp")
    environment.setenv("THROTTLE_AUTH", "many")
    with pytest.raises(ImproperlyConfigured) as refused:
        read_environment()
    assert sorted(line.split()[0] for line in str(refused.value).splitlines()) == [
        "EMAIL_PORT",
        "THROTTLE_AUTH",
    ]


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("SECRET_KEY", "DJANGO_SECRET_KEY"),
        ("DB_NAME", "DATABASE_NAME"),
        ("DB_PASSWORD", "DATABASE_PASSWORD"),
        ("BROKER_URL", "CELERY_BROKER_URL"),
        ("DEFAULT_FROM_EMAIL", "FROM_EMAIL"),
        ("ADMIN_EMAIL", "TO_EMAIL"),
    ],
)
def test_another_name_stands_for_a_variable_that_is_unset_or_empty(environment, name, other):
    environment.setenv(other, "other")
    environment.setenv(name, "")
    assert getattr(read_environment(), name) == "other"
    environment.setenv(name, "first")
    assert getattr(read_environment(), name) == "first"


def test_lists_and_pairs_are_separated_by_commas(environment):
    environment.setenv("ALLOWED_HOSTS", "a.example, b.example,")
    environment.setenv("CONTRACT_HOSTS", "club.example=primetime,shop.example=barbershop")
    found = read_environment()
    assert found.ALLOWED_HOSTS == ["a.example", "b.example"]
    assert found.CONTRACT_HOSTS == {"club.example": "primetime", "shop.example": "barbershop"}


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_PASSWORD", "METRICS_TOKEN"])
def test_a_secret_may_come_as_a_file(tmp_path, name):
    (tmp_path / "file").write_text("from a file\n")
    given = {f"{name}_FILE": str(tmp_path / "file"), name: ""}
    normalize_environment(given)
    assert given[name] == "from a file"


def test_a_secret_that_is_given_wins_over_its_file(tmp_path):
    given = {"SECRET_KEY": "given", "SECRET_KEY_FILE": str(tmp_path / "is not there")}
    normalize_environment(given)
    assert given["SECRET_KEY"] == "given"


def test_a_file_that_is_not_there_stops_the_start(tmp_path):
    with pytest.raises(FileNotFoundError):
        normalize_environment({"SECRET_KEY_FILE": str(tmp_path / "is not there")})
