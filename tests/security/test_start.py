"""What Holdfast does not start with, and that what it is deployed with is found clean."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from django.core.checks import Tags, run_checks
from django.test import override_settings

from backend.devserver import CHECKOUT

ONE = "wq3Vz0Xb7cR9tY2uI5oP8aS1dF4gH6jK-kL_nM3bV0cX7zQ9rT5y"
TWO = "p0Lm9Kn8Jb7Hv6Gc5Fx4Dz3Sa2Qw1Er0Ty9Ui8Op7As6Df5Gh4"
THREE = "Zx9Cv8Bn7Mq6Wa5Es4Rd3Tf2Yg1Uh0Ij9Ok8Pl7Az6Sx5Dc4Fv3"
SAFE = {
    "DEBUG": False,
    "EMBEDDED": False,
    "HOST": "10.1.2.3",
    "HTTPS": True,
    "ALLOWED_HOSTS": ["booking.example.com", "localhost"],
    "CORS_ALLOWED_ORIGINS": ["https://www.example.com", "http://localhost:5173"],
    "SECRET_KEY": ONE,
    "JWT_ACCESS_SECRET": TWO,
    "JWT_REFRESH_SECRET": THREE,
}
TRIED_OUT = {"EMBEDDED": True, "HTTPS": False, "HOST": "127.0.0.1", "SECRET_KEY": "x"}


def find(**changes: object) -> list[str]:
    """What our own checks say of such settings; Django's beside them look at other things."""
    with override_settings(**SAFE | changes):
        found = run_checks(tags=[Tags.security], include_deployment_checks=True)
    return [message.msg for message in found if message.id.startswith("holdfast.")]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        TRIED_OUT,
        TRIED_OUT | {"DEBUG": True, "ALLOWED_HOSTS": ["*"]},
        {"DEBUG": True, "ALLOWED_HOSTS": ["localhost", "127.0.0.1", "app.localhost"]},
        {"HTTPS": False, "CORS_ALLOWED_ORIGINS": ["http://desk.lan:3000"]},
    ],
)
def test_what_is_safe_starts(changes):
    assert find(**changes) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"DEBUG": True}, ["DEBUG shows settings and code to booking.example.com: unset one of"]),
        (
            TRIED_OUT | {"DEBUG": True, "HOST": "10.1.2.3", "ALLOWED_HOSTS": ["*"]},
            ["DEBUG shows settings and code to *: unset one of the two."],
        ),
        ({"SECRET_KEY": "short"}, ["SECRET_KEY can be guessed"]),
        ({"SECRET_KEY": "a" * 64}, ["SECRET_KEY can be guessed"]),
        ({"SECRET_KEY": "django-insecure-" + ONE}, ["SECRET_KEY can be guessed"]),
        ({"SECRET_KEY": "your-secret-key-here-0123456789abcdef"}, ["SECRET_KEY can be guessed"]),
        ({"JWT_ACCESS_SECRET": "short"}, ["JWT_ACCESS_SECRET can be guessed"]),
        ({"JWT_REFRESH_SECRET": TWO}, ["SECRET_KEY, JWT_ACCESS_SECRET, JWT_REFRESH_SECRET must"]),
        ({"JWT_ACCESS_SECRET": ONE}, ["SECRET_KEY, JWT_ACCESS_SECRET, JWT_REFRESH_SECRET must"]),
        ({"CORS_ALLOWED_ORIGINS": ["*"]}, ["CORS_ALLOWED_ORIGINS holds *: any page could act"]),
        ({"CORS_ALLOWED_ORIGINS": ["null"]}, ["CORS_ALLOWED_ORIGINS holds null: any page"]),
        (
            {"CORS_ALLOWED_ORIGINS": ["http://www.example.com"]},
            ["CORS_ALLOWED_ORIGINS holds http://www.example.com: say https"],
        ),
        (TRIED_OUT | {"CORS_ALLOWED_ORIGINS": ["https://*.example.com"]}, ["CORS_ALLOWED_ORIGINS"]),
        ({"ALLOWED_HOSTS": ["*"]}, ["ALLOWED_HOSTS holds *: name the hosts that are yours."]),
    ],
)
def test_what_is_unsafe_is_named_without_repeating_a_secret(changes, said):
    sentences = find(**changes)
    assert len(sentences) == len(said)
    for sentence, beginning in zip(sentences, said, strict=True):
        assert sentence.startswith(beginning)
        assert not any(len(secret) > 5 and secret in sentence for secret in (ONE, TWO, THREE))


PRODUCTION = {
    "SECRET_KEY": ONE,
    "JWT_ACCESS_SECRET": TWO,
    "JWT_REFRESH_SECRET": THREE,
    "DATABASE_URL": "postgres://x@127.0.0.1:1/x",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "ALLOWED_HOSTS": "booking.example.com",
    "PUBLIC_URL": "https://booking.example.com",
    "FRONTEND_URL": "https://www.example.com",
    "PATH": os.defpath,
}


def run(tmp_path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", *words],
        env=PRODUCTION | {"DATA_DIR": str(tmp_path)} | environment,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    "process",
    [
        ("-m", "backend.web"),
        ("-m", "celery", "-A", "backend", "worker", "--pool", "solo"),
        ("-m", "celery", "-A", "backend", "beat", "--pidfile="),
        ("-m", "celery", "-A", "backend", "flower", "--address=127.0.0.1", "--port=0"),
        ("manage.py", "prepare"),
    ],
    ids=["web", "worker", "beat", "flower", "prepare"],
)
def test_no_process_starts_with_a_key_that_can_be_guessed(tmp_path, process):
    ended = run(tmp_path, *process, SECRET_KEY="guess me")
    assert ended.returncode != 0
    assert "SECRET_KEY can be guessed: make one with `make env`." in ended.stderr
    assert "guess me" not in ended.stderr


def test_every_unsafe_setting_is_a_line_of_its_own(tmp_path):
    ended = run(
        tmp_path, "-m", "celery", "-A", "backend", "worker", SECRET_KEY="a", ALLOWED_HOSTS="*"
    )
    assert ended.stderr.splitlines()[-2:] == [
        "Holdfast does not start: SECRET_KEY can be guessed: make one with `make env`.",
        "ALLOWED_HOSTS holds *: name the hosts that are yours.",
    ]


@pytest.mark.parametrize("password", [{}, {"FLOWER_BASIC_AUTH": ""}], ids=["unset", "empty"])
def test_flower_does_not_start_without_a_password(tmp_path, password):
    flower = ("-m", "celery", "-A", "backend", "flower", "--address=127.0.0.1", "--port=0")
    ended = run(tmp_path, *flower, **password)
    assert ended.returncode != 0
    assert "Set FLOWER_BASIC_AUTH=name:password" in ended.stderr


def test_check_deploy_shows_what_is_unsafe(tmp_path):
    ended = run(tmp_path, "manage.py", "check", "--deploy", ALLOWED_HOSTS="*")
    assert ended.returncode == 1
    assert "(holdfast.E006) ALLOWED_HOSTS holds *: name the hosts that are yours." in ended.stderr


def test_one_secret_makes_three_that_differ(tmp_path):
    ask = "from backend import settings as s; print(s.JWT_ACCESS_SECRET, s.JWT_REFRESH_SECRET)"
    words = run(tmp_path, "-c", ask, JWT_ACCESS_SECRET="", JWT_REFRESH_SECRET="").stdout.split()
    assert len({ONE, *words}) == 3
    assert all(re.fullmatch("[0-9a-f]{64}", word) for word in words)


def test_production_settings_pass_djangos_own_checks(tmp_path):
    ended = run(tmp_path, "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert ended.returncode == 0, ended.stderr
    assert "no issues" in ended.stdout
