"""Apps, middleware and templates; whether this is `make up`, a developer's machine or neither."""

from datetime import timedelta
from pathlib import Path

import django_stubs_ext
from jinja2 import ChainableUndefined

from backend.admin_theme import UNFOLD  # noqa: F401 - the name is the library's
from backend.environment import BASE_DIR, read_environment

django_stubs_ext.monkeypatch()  # generic classes of Django can be written as such

env = read_environment()
DATA_DIR = (BASE_DIR / env.DATA_DIR).resolve()
EMBEDDED = env.HOLDFAST_EMBEDDED  # `make up` on its own database: for trying it out
DEBUG = env.DEBUG
HOST = env.HOST  # where web listens
ALLOWED_HOSTS = env.ALLOWED_HOSTS
FRONTEND_URL = env.FRONTEND_URL.rstrip("/")
PUBLIC_URL = (env.PUBLIC_URL or f"http://localhost:{env.PORT}").rstrip("/")
LINK_URL = FRONTEND_URL or PUBLIC_URL  # where emails lead people
# `make up` alone shows its own page where these are, and fills the demo's days again
DEMO = env.DEMO
DEMO_PASSWORD = env.DEMO_PASSWORD
FLOWER_PORT, STRIPE_PORT = env.FLOWER_PORT, env.STRIPE_PORT

INSTALLED_APPS = [
    "unfold",  # before the admin, whose templates and site it replaces
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",  # of the pages of allauth.mfa
    "corsheaders",
    "rest_framework",
    "rest_framework.authtoken",
    "rest_framework_simplejwt.token_blacklist",
    "django_filters",
    "django_htmx",  # for its copy of htmx alone
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "django_structlog",
    "djoser",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
    "anymail",
    "api.apps.ApiConfig",
    "backend.apps.BackendConfig",
]

MIDDLEWARE = [
    "backend.security_headers.add_security_headers",
    "backend.metrics_endpoint.metrics_middleware",
    "backend.metrics.measure_requests",
    "backend.request_ids.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "api.rest.browser_sessions.mark_second_factor",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "api.admin.bad_values.BadValueMiddleware",
    "api.admin.auditing.record_admin",
    "backend.client_address.set_client_address",
    "backend.write_limits.WriteLimits",
]

ROOT_URLCONF = "backend.urls"
WSGI_APPLICATION = "backend.wsgi.application"
ASGI_APPLICATION = "backend.asgi.application"
WEB_THREADS = env.WEB_THREADS  # that answer requests, in each web process
REQUEST_READ_TIMEOUT = env.REQUEST_READ_TIMEOUT  # seconds for a head, and then for its body
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
        "OPTIONS": {"undefined": ChainableUndefined, "autoescape": False},  # see email_templates.py
    },
]

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
FORMAT_MODULE_PATH = "backend.formats"  # of the admin; Django ignores formats in settings

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

# figures: where web processes share what they count, and who may read them (empty: anyone)
METRICS_DIR = Path(env.METRICS_DIR or DATA_DIR / "metrics")
METRICS_TOKEN = env.METRICS_TOKEN

MIN_FREE_BYTES = env.MIN_FREE_MB * 1_000_000  # on the disk of the data, below which nobody writes

# figures of more rooms times days than this are put into files by a worker
EXPORT_AT_ONCE = env.EXPORT_AT_ONCE_ROOM_DAYS

# how long finished rows are kept
KEEP_DELIVERIES = timedelta(days=env.KEEP_DELIVERIES_DAYS)
KEEP_IDEMPOTENCY_KEYS = timedelta(hours=env.KEEP_IDEMPOTENCY_KEYS_HOURS)
KEEP_EXPORTS = timedelta(hours=env.KEEP_EXPORTS_HOURS)
KEEP_STRIPE_EVENTS = timedelta(days=env.KEEP_STRIPE_EVENTS_DAYS)
KEEP_HISTORY_MONTHS = env.KEEP_HISTORY_MONTHS  # 0: for ever
