"""Secrets that come as files: `SECRET_KEY_FILE=/run/secrets/secret_key` stands for SECRET_KEY.

The rule: a value that is given outright wins, and a file that is named must be there.
"""

from collections.abc import MutableMapping
from pathlib import Path

SECRETS = (
    "SECRET_KEY",
    "DJANGO_SECRET_KEY",
    "JWT_ACCESS_SECRET",
    "JWT_REFRESH_SECRET",
    "DATABASE_URL",
    "DATABASE_REPLICA_URL",
    "DATABASE_PASSWORD",
    "DB_PASSWORD",
    "REDIS_URL",
    "BROKER_URL",
    "CACHE_URL",
    "CHANNELS_URL",
    "EMAIL_HOST_PASSWORD",
    "SENDGRID_API_KEY",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "CLEANUP_SECRET",
    "FLOWER_BASIC_AUTH",
    "DJANGO_SUPERUSER_PASSWORD",
)


def read_files(environment: MutableMapping[str, str]) -> None:
    """Adds what the files hold, without the newline at their end. An unreadable one is an error."""
    for name in SECRETS:
        path = environment.get(f"{name}_FILE")
        if path and not environment.get(name):
            environment[name] = Path(path).read_text().rstrip("\r\n")
