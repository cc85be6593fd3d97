"""The database, and the Redis of the cache and the panels."""

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from backend.redis_urls import require_certificate, use_database

from .base import env


def build_database(url: str, session: str = "") -> dict[str, Any]:
    """The one database, from DATABASE_URL or from the parts that the READMEs name."""
    if url:
        config: dict[str, Any] = environ.Env.db_url_config(url)
    elif env.DB_NAME:
        config = {
            "NAME": env.DB_NAME,
            "USER": env.DB_USER,
            "PASSWORD": env.DB_PASSWORD,
            "HOST": env.DB_HOST,
            "PORT": env.DB_PORT,
        }
    else:
        raise ImproperlyConfigured(
            "Set DATABASE_URL, or start the embedded servers first with `make up`."
        )
    if "sqlite" in config.get("ENGINE", "") or "mysql" in config.get("ENGINE", ""):
        raise ImproperlyConfigured(
            "Holdfast needs PostgreSQL: its guard is an exclusion constraint."
        )
    return config | {
        "ENGINE": "backend.postgresql",
        "CONN_MAX_AGE": env.CONN_MAX_AGE,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": env.PGBOUNCER,
        "OPTIONS": config.get("OPTIONS", {})
        | {
            "connect_timeout": 5,
            # for the few statements that ask for it; a pooler may hand each to another session
            "prepare_threshold": None if env.PGBOUNCER else 2,
            # a lock that is waited for longer than this is a rival: 55P03, answered as a refusal
            "options": "-c lock_timeout=5s -c statement_timeout=60s"
            f" -c idle_in_transaction_session_timeout=60s -c timezone=UTC{session}",
        },
    }


# Of web, which answers people (`backend.wsgi`): a refusal is there within two seconds, of which the
# queue for a thread takes the other part.
WEB_TIMEOUTS = " -c lock_timeout=800ms -c statement_timeout=20s"
DATABASES = {"default": build_database(env.DATABASE_URL)}
# a copy that may lag: figures are read there, and nothing is ever written
if env.DATABASE_REPLICA_URL:
    read_only = " -c default_transaction_read_only=on"
    DATABASES["replica"] = build_database(env.DATABASE_REPLICA_URL, read_only) | {
        "TEST": {"MIRROR": "default"}
    }
    DATABASE_ROUTERS = ["api.queries.operations.replica.Router"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# broker, cache and channel layer have databases of their own in one Redis

REDIS_URL = require_certificate(env.REDIS_URL)
BROKER_URL = require_certificate(env.BROKER_URL) or REDIS_URL
CACHE_URL = require_certificate(env.CACHE_URL) or use_database(REDIS_URL, 1)
CHANNELS_URL = require_certificate(env.CHANNELS_URL) or use_database(REDIS_URL, 2)

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": CACHE_URL,
        "KEY_PREFIX": "holdfast",
        "OPTIONS": {
            "IGNORE_EXCEPTIONS": True,  # while Redis is away the cache is empty
            "CONNECTION_POOL_CLASS": "backend.cache.FailFastPool",
            "SOCKET_CONNECT_TIMEOUT": 0.2,
            "SOCKET_TIMEOUT": 0.2,
        },
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {
            # longer than the layer itself waits for a message, so only a dead Redis is given up
            "hosts": [{"address": CHANNELS_URL, "socket_connect_timeout": 1, "socket_timeout": 8}],
            "capacity": 1000,
            "expiry": 60,
            "group_expiry": 300,  # registries join again with every poll; a dead one is forgotten
        },
    }
}
