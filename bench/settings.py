"""The settings as they are, and the floor's URLs beside our own."""

from backend.settings import *  # noqa: F403 - all of them

ROOT_URLCONF = "bench.urls"
ALLOWED_HOSTS = ["*"]
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
