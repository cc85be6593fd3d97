"""Every setting, from the environment, safe by default; what is unsafe or missing stops the start.

Without a database in the environment the embedded servers of `make up` are used: their addresses
and secrets are read from `$DATA_DIR/run.env`. Names that the frontends' READMEs use are accepted.
"""

import hmac
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
import structlog
from django.core.exceptions import ImproperlyConfigured
from jinja2 import ChainableUndefined, select_autoescape

from backend.addresses import database as redis_database
from backend.addresses import tls, with_proof
from backend.discretion import discreet
from backend.looks import UNFOLD  # noqa: F401 - the name is the library's
from backend.schedule import SCHEDULE

django_stubs_ext.monkeypatch()  # generic classes of Django can be written as such

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

DATA_DIR = (BASE_DIR / env.str("DATA_DIR", default=".data")).resolve()
if not any(name in os.environ for name in ("DATABASE_URL", "DB_NAME", "DATABASE_NAME")):
    environ.Env.read_env(DATA_DIR / "run.env")

EMBEDDED = env.bool("HOLDFAST_EMBEDDED", default=False)


def first(*names: str, default: str = "") -> str:
    """The value of the first of these variables that is set: aliases of one setting."""
    return next((os.environ[name] for name in names if os.environ.get(name)), default)


def secret(*names: str) -> str:
    value = first(*names)
    if not value:
        raise ImproperlyConfigured(f"Set {names[0]}: a long random string that nobody else knows.")
    return value


def derived(use: str) -> str:
    """A secret for this use alone, where only SECRET_KEY was given: neither tells the other."""
    return hmac.new(SECRET_KEY.encode(), f"holdfast {use} token".encode(), "sha256").hexdigest()


DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = secret("SECRET_KEY", "DJANGO_SECRET_KEY")
JWT_ACCESS_SECRET = first("JWT_ACCESS_SECRET") or derived("access")
JWT_REFRESH_SECRET = first("JWT_REFRESH_SECRET") or derived("refresh")
HOST = env.str("HOST", default="127.0.0.1")  # where web listens
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
# plain HTTP is for trying it out; anywhere else cookies travel over HTTPS alone
HTTPS = env.bool("HTTPS", default=not (DEBUG or EMBEDDED))
FRONTEND_URL = env.str("FRONTEND_URL", default="http://localhost:5173").rstrip("/")
PUBLIC_URL = env.str("PUBLIC_URL", default=f"http://localhost:{env.int('PORT', 8000)}").rstrip("/")

INSTALLED_APPS = [
    "unfold",  # before the admin, whose templates and site it replaces
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "corsheaders",
    "rest_framework",
    "rest_framework.authtoken",
    "rest_framework_simplejwt.token_blacklist",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "django_structlog",
    "djoser",
    "anymail",
    "api.apps.ApiConfig",
]

MIDDLEWARE = [
    "backend.headers.confine",
    "backend.metrics.measure",
    "backend.request_ids.named",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "backend.callers.note",
]

ROOT_URLCONF = "backend.urls"
WSGI_APPLICATION = "backend.wsgi.application"
ASGI_APPLICATION = "backend.asgi.application"
APPEND_SLASH = False  # a redirect would break POST and DELETE of clients without the slash

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "api" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
    {  # what a template does not know is empty, as in Django's
        "NAME": "emails",
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "email_templates"],
        "OPTIONS": {"undefined": ChainableUndefined, "autoescape": select_autoescape(["html"])},
    },
]

# database


def database(url: str, session: str = "") -> dict[str, Any]:
    """The one database, from DATABASE_URL or from the parts that the READMEs name."""
    if url:
        config: dict[str, Any] = env.db_url_config(url)
    elif first("DB_NAME", "DATABASE_NAME"):
        config = {
            "NAME": first("DB_NAME", "DATABASE_NAME"),
            "USER": first("DB_USER", "DATABASE_USER"),
            "PASSWORD": first("DB_PASSWORD", "DATABASE_PASSWORD"),
            "HOST": first("DB_HOST", "DATABASE_HOST", default="localhost"),
            "PORT": first("DB_PORT", "DATABASE_PORT", default="5432"),
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
        "CONN_MAX_AGE": env.int("CONN_MAX_AGE", default=600),
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": env.bool("PGBOUNCER", default=False),
        "OPTIONS": config.get("OPTIONS", {})
        | {
            "connect_timeout": 5,
            # for the few statements that ask for it; a pooler may hand each to another session
            "prepare_threshold": None if env.bool("PGBOUNCER", default=False) else 2,
            # a lock that is waited for longer than this is a rival: 55P03, answered as a refusal
            "options": "-c lock_timeout=5s -c statement_timeout=60s"
            f" -c idle_in_transaction_session_timeout=60s -c timezone=UTC{session}",
        },
    }


DATABASES = {"default": database(first("DATABASE_URL"))}
# a copy that may lag: figures are read there, and nothing is ever written
if _replica := first("DATABASE_REPLICA_URL"):
    DATABASES["replica"] = database(_replica, " -c default_transaction_read_only=on") | {
        "TEST": {"MIRROR": "default"}
    }
    DATABASE_ROUTERS = ["api.queries.operations.replica.Router"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Redis: broker, cache and channel layer in databases of their own


REDIS_URL = with_proof(first("REDIS_URL", default="redis://localhost:6379/0"))
BROKER_URL = with_proof(first("BROKER_URL", "CELERY_BROKER_URL", default=REDIS_URL))
CACHE_URL = with_proof(first("CACHE_URL", default=redis_database(REDIS_URL, 1)))
CHANNELS_URL = with_proof(first("CHANNELS_URL", default=redis_database(REDIS_URL, 2)))

CACHES = {
    "default": {
        "BACKEND": "backend.cache.ForgivingRedisCache",
        "LOCATION": CACHE_URL,
        "KEY_PREFIX": "holdfast",
        "OPTIONS": {"socket_connect_timeout": 0.2, "socket_timeout": 0.2},
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
            "group_expiry": 300,  # the halls join again with every beat; a dead one is forgotten
        },
    }
}

# where the web process hands WebSockets over to the live process

LIVE_SOCKET = Path(first("LIVE_SOCKET", default=str(DATA_DIR / "live.sock")))

# Celery

CELERY_BROKER_URL = BROKER_URL
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_INCLUDE = [
    "tasks.analytics",
    "tasks.clock",
    "tasks.emails",
    "tasks.payments",
    "tasks.upkeep",
]
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_ACKS_LATE = True
# a task that kills its worker is not tried again for ever: rows are the truth, beat asks again
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = env.int("WORKER_MAX_TASKS_PER_CHILD", default=10_000)
# a sender is not killed in the middle of an e-mail because the broker blinked
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_SEND_TASK_EVENTS = False  # they halve what a worker can do; Flower asks for them
CELERY_TASK_SEND_SENT_EVENT = False
CELERY_DB_REUSE_MAX = 1000  # tasks; a connection for each would cost more than an idle sweep
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_TIME_LIMIT = 300  # far under the visibility timeout, so nothing is delivered twice
VISIBILITY_TIMEOUT = env.int("VISIBILITY_TIMEOUT", default=3600)
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"tasks.clock.*": {"queue": "clock"}, "tasks.emails.*": {"queue": "emails"}}
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_TIMEOUT = 2
# of amqps://: whom to believe, where the system's authorities do not vouch for the broker
CELERY_BROKER_USE_SSL = tls(BROKER_URL, env.str("BROKER_CA", default=""))
CELERY_BROKER_HEARTBEAT = 10  # seconds; RabbitMQ and a worker that lost each other notice soon
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {
        "visibility_timeout": VISIBILITY_TIMEOUT,
        "socket_connect_timeout": 0.5,
        "socket_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "retry_on_timeout": False,
        "max_retries": 0,
    }
    if BROKER_URL.startswith(("redis", "rediss", "valkey"))
    else {}
)
CELERY_BEAT_SCHEDULER = "backend.beat:Scheduler"
CELERY_BEAT_SCHEDULE = {name: job.entry() for name, job in SCHEDULE.items()}
CELERY_BEAT_MAX_LOOP_INTERVAL = 2  # an operator's pause takes effect within this many seconds
DJANGO_CELERY_BEAT_TZ_AWARE = True
# seconds after which a worker or beat that stands still though the broker answers ends itself
PULSE_PATIENCE = env.float("PULSE_PATIENCE", default=45)
HEARTBEAT_DIR = env.str("HEARTBEAT_DIR", default="")  # where they show that they do not

# people

AUTH_USER_MODEL = "api.User"
LOGIN_REDIRECT_URL = "admin:index"  # the one page where people sign in with a session
AUTHENTICATION_BACKENDS = ["api.rest.authentication.EmailOrUsernameBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
PASSWORD_RESET_TIMEOUT = 3600  # seconds: the e-mail says one hour

SIMPLE_JWT = {
    "SIGNING_KEY": JWT_ACCESS_SECRET,
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=30),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    "AUTH_TOKEN_CLASSES": ("api.services.accounts.tokens.Access",),
    "UPDATE_LAST_LOGIN": False,
    "CHECK_REVOKE_TOKEN": True,  # a new password ends every session
}
REFRESH_COOKIE = "refresh_token"

# REST

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.rest.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["api.rest.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["api.rest.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "api.v1.schema.Schema",
    "EXCEPTION_HANDLER": "api.rest.exceptions.problem_handler",
    "DEFAULT_THROTTLE_RATES": {
        # failures count against the account at that address, the rest against the address
        "auth": env.str("THROTTLE_AUTH", default="3000/min" if EMBEDDED else "60/min"),
        # what one person may write; nobody is limited while it is tried out
        "account": env.str("THROTTLE_ACCOUNT", default="" if EMBEDDED else "1200/min") or None,
        "anonymous": env.str("THROTTLE_ANONYMOUS", default="30000/min" if EMBEDDED else "600/min"),
    },
    "NUM_PROXIES": env.int("NUM_PROXIES", default=0),
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
# at the bare /api/: hosts that belong to one contract, and who answers when nothing else tells
CONTRACT_HOSTS: dict[str, str] = env.dict("CONTRACT_HOSTS", default={})
DEFAULT_CONTRACT = env.str("DEFAULT_CONTRACT", default="primetime")
DJOSER = {
    "HIDE_USERS": True,
    "SET_PASSWORD_RETYPE": True,
    "SERIALIZERS": {
        "user": "api.contracts.resources.serializers.AccountSerializer",
        "user_create": "api.contracts.resources.serializers.RegisterSerializer",
        "set_password_retype": "api.contracts.resources.serializers.SetPasswordSerializer",
    },
}
FAILED_LOGINS_ALLOWED = env.int("FAILED_LOGINS_ALLOWED", default=10)
# open holds from one address at one venue, whoever makes them; 0 is no limit
MAX_HOLDS_PER_ADDRESS = env.int("MAX_HOLDS_PER_ADDRESS", default=0 if EMBEDDED else 100)
FAILED_LOGINS_WINDOW = timedelta(minutes=env.int("FAILED_LOGINS_WINDOW_MINUTES", default=15))
MAX_BODY_BYTES = env.int("MAX_BODY_BYTES", default=1_000_000)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES

SPECTACULAR_SETTINGS = {
    "TITLE": "Holdfast",
    "DESCRIPTION": "Bookings that are never sold twice, and a clock that can be trusted.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    # it would look at the contracts too, which have no schema; a test validates that of /api/v1/
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SORT_OPERATIONS": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "api.v1.schema.finish",
    ],
    "ENUM_NAME_OVERRIDES": {
        "BookingStatus": "api.lifecycle.Status.choices",
        "TradeStatus": "api.lifecycle.TradeStatus.choices",
        "PaymentStatus": "api.models.bookings.PaymentStatus.choices",
        "Role": "api.models.users.Role.choices",
    },
}

# browsers of the frontends: any port of this machine in development, named origins elsewhere

CORS_ALLOW_CREDENTIALS = True
CORS_ALLOWED_ORIGINS = sorted(
    {FRONTEND_URL, *(origin.rstrip("/") for origin in env.list("CORS_ALLOWED_ORIGINS", default=[]))}
    | (
        {
            f"http://{host}:{port}"
            for host in ("localhost", "127.0.0.1")
            for port in (3000, 4173, 5173, 8080)
        }
        if DEBUG or EMBEDDED
        else set()
    )
)
CORS_ALLOWED_ORIGIN_REGEXES = (
    [
        r"^https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$",
        # a codespace forwards each port under a name of its own; another's is a stranger
        *(rf"^https://{name}-\d+\.app\.github\.dev$" for name in [first("CODESPACE_NAME")] if name),
    ]
    if DEBUG or EMBEDDED
    else []
)
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "x-contract",
    "x-csrftoken",
    "x-device-token",
    "x-request-id",
    "x-requested-with",
]
CORS_EXPOSE_HEADERS = [
    "content-disposition",
    "idempotency-replayed",
    "location",
    "retry-after",
    "x-contract",
    "x-request-id",
]
CSRF_TRUSTED_ORIGINS = CORS_ALLOWED_ORIGINS

# the cookie with the refresh token; None is for a frontend at another site than ours
REFRESH_COOKIE_SAMESITE: Any = env.str("COOKIE_SAMESITE", default="Lax").capitalize()
if REFRESH_COOKIE_SAMESITE not in ("Lax", "Strict", "None"):
    raise ImproperlyConfigured("COOKIE_SAMESITE is Lax, Strict or None.")
if REFRESH_COOKIE_SAMESITE == "None" and not HTTPS:
    raise ImproperlyConfigured("COOKIE_SAMESITE=None needs HTTPS: browsers drop such a cookie.")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = REFRESH_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=False)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
# security.W008: TLS ends at the proxy, which redirects; a redirect of ours would loop behind one
# that does not say X-Forwarded-Proto
SILENCED_SYSTEM_CHECKS = ["security.W008"]

# emails: to files with the embedded servers, else as the environment says

MAIL_DIR = env.str("HOLDFAST_MAIL_DIR", default=str(DATA_DIR / "mail") if EMBEDDED else "")
EMAIL_USE = env.str("EMAIL_USE", default="")


def email_backend(name: str) -> str:
    """The class that EMAIL_USE means; any other name is one of django-anymail's, whose options
    are set as ANYMAIL_<OPTION>, or a class by its path."""
    known = {
        "console": "django.core.mail.backends.console.EmailBackend",
        "smtp": "backend.mail.SmtpBackend",
        "files": "backend.mail.EmlFileBackend",
    }
    return known.get(name) or (name if "." in name else f"anymail.backends.{name}.EmailBackend")


EMAIL_BACKEND = env.str("EMAIL_BACKEND", default="") or email_backend(
    EMAIL_USE or ("files" if MAIL_DIR and not env.str("EMAIL_HOST", "") else "smtp")
)
EMAIL_FALLBACK = env.str("EMAIL_FALLBACK", default="")
EMAIL_HOST = env.str("EMAIL_HOST", default="localhost")
EMAIL_PORT = env.int("EMAIL_PORT", default=25)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=False)
EMAIL_USE_SSL = env.bool("EMAIL_USE_SSL", default=False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = first(
    "DEFAULT_FROM_EMAIL", "FROM_EMAIL", default="Holdfast <noreply@holdfast.example>"
)
SERVER_EMAIL = DEFAULT_FROM_EMAIL
ADMIN_EMAIL = first("ADMIN_EMAIL", "TO_EMAIL")
ANYMAIL = {
    "SENDGRID_API_KEY": env.str("SENDGRID_API_KEY", default=""),
    "REQUESTS_TIMEOUT": (5, 10),
} | {
    name.removeprefix("ANYMAIL_"): value
    for name, value in os.environ.items()
    if value and name.startswith(("ANYMAIL_", "SENDGRID_API_"))
}

# payments: Stripe with a key, the local stand-in without one; never both, never by accident

STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="")
STRIPE_LOCAL = not STRIPE_SECRET_KEY and (EMBEDDED or env.bool("STRIPE_LOCAL", default=False))
STRIPE_API_BASE = env.str("STRIPE_API_BASE", default="")
STRIPE_WEBHOOK_SECRET = env.str("STRIPE_WEBHOOK_SECRET", default="")
STRIPE_CONNECT_TIMEOUT = env.float("STRIPE_CONNECT_TIMEOUT", default=3.0)  # seconds
STRIPE_READ_TIMEOUT = env.float("STRIPE_READ_TIMEOUT", default=10.0)
# customers of one web process who may wait for Stripe at once; a thread is left for all others
PAYING_AT_ONCE = max(1, env.int("WEB_THREADS", default=4) - 1)
STRIPE_SIGNATURE_TOLERANCE = 300  # seconds that a signature may be old
# the stand-in knows no payment that was only told of, by an event signed by hand
STRIPE_BELIEVE_EVENTS = STRIPE_LOCAL and env.bool("STRIPE_BELIEVE_EVENTS", default=False)
if STRIPE_LOCAL:
    STRIPE_SECRET_KEY = "sk_test_local"  # noqa: S105
    STRIPE_API_BASE = STRIPE_API_BASE or f"http://127.0.0.1:{env.int('STRIPE_PORT', 8420)}"
    ALLOWED_HOSTS = sorted({*ALLOWED_HOSTS, "127.0.0.1"})  # it calls us back there
_live = STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))
_test = STRIPE_SECRET_KEY.startswith(("sk_test_", "rk_test_"))
for _wrong, _because in (
    (
        STRIPE_SECRET_KEY and not (_live or _test),
        "STRIPE_SECRET_KEY is not a secret key: those begin with sk_test_ or sk_live_.",
    ),
    (_live and DEBUG, "Live Stripe keys and DEBUG do not go together."),
    (_live and STRIPE_API_BASE, "Live Stripe keys go to Stripe alone: unset STRIPE_API_BASE."),
    (
        STRIPE_SECRET_KEY and not STRIPE_WEBHOOK_SECRET,
        "Set STRIPE_WEBHOOK_SECRET: without it no webhook can be believed.",
    ),
):
    if _wrong:
        raise ImproperlyConfigured(_because)

# who may ask for dead holds to be expired, beside staff
CLEANUP_SECRET = env.str("CLEANUP_SECRET", default="")
CLEANUP_OPEN = env.bool("CLEANUP_OPEN", default=False)

# how long finished rows are kept

KEEP_DELIVERIES = timedelta(days=env.int("KEEP_DELIVERIES_DAYS", default=30))
KEEP_IDEMPOTENCY_KEYS = timedelta(hours=env.int("KEEP_IDEMPOTENCY_KEYS_HOURS", default=24))
KEEP_EXPORTS = timedelta(hours=env.int("KEEP_EXPORTS_HOURS", default=24))
KEEP_STRIPE_EVENTS = timedelta(days=env.int("KEEP_STRIPE_EVENTS_DAYS", default=90))
KEEP_HISTORY_MONTHS = env.int("KEEP_HISTORY_MONTHS", default=0)  # 0: for ever
if KEEP_HISTORY_MONTHS < 0:
    raise ImproperlyConfigured("KEEP_HISTORY_MONTHS is a number of months, or 0 for ever.")

# figures: where web processes share what they count, and who may read them (empty: anyone)

METRICS_DIR = Path(env.str("METRICS_DIR", default=str(DATA_DIR / "metrics")))
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# figures of more rooms times days than this are put into files by a worker

EXPORT_AT_ONCE = env.int("EXPORT_AT_ONCE_ROOM_DAYS", default=36_600)

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
FORMAT_MODULE_PATH = "backend.formats"  # of the admin; what settings say of formats, Django ignores
STATIC_URL = "/static/"
STATIC_ROOT = (DATA_DIR if EMBEDDED else BASE_DIR) / "staticfiles"
WHITENOISE_USE_FINDERS = EMBEDDED or DEBUG
if not WHITENOISE_USE_FINDERS:  # collected: compressed, and named by content so it caches for ever
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
if EMBEDDED:
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)

# logs: one JSON object a line, or coloured lines at a terminal

LOG_JSON = env.bool("LOG_JSON", default=not sys.stderr.isatty())
DJANGO_STRUCTLOG_CELERY_ENABLED = True
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "structured": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                discreet(
                    (
                        *(SECRET_KEY, JWT_ACCESS_SECRET, JWT_REFRESH_SECRET, METRICS_TOKEN),
                        *(STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET, CLEANUP_SECRET),
                        *(
                            EMAIL_HOST_PASSWORD,
                            *(v for v in ANYMAIL.values() if isinstance(v, str)),
                        ),
                        str(DATABASES["default"].get("PASSWORD") or ""),
                    )
                ),
                structlog.processors.JSONRenderer()
                if LOG_JSON
                else structlog.dev.ConsoleRenderer(),
            ],
            "foreign_pre_chain": [
                structlog.contextvars.merge_contextvars,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
            ],
        },
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="WARNING")},
    "loggers": {
        "holdfast": {"level": env.str("LOG_LEVEL", default="INFO")},
        "django.request": {"level": "ERROR"},  # refusals are answers, not news
        # at DEBUG it writes down all that a template was given: links that open accounts, names
        "django.template": {"level": "INFO"},
        "celery.worker.strategy": {"level": "WARNING"},
        "holdfast.requests": {"level": env.str("REQUEST_LOG_LEVEL", default="WARNING")},
        "django_structlog": {"level": "WARNING"},
        # a run that came too late is thrown away, by design: no warning for each after a pause
        "django_structlog.celery": {"level": env.str("TASK_LOG_LEVEL", default="ERROR")},
    },
}
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
