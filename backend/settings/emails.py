"""Emails: to files under `make up`, else as the environment says."""

import os

from .base import DATA_DIR, EMBEDDED, env


def find_email_backend(name: str) -> str:
    """The class that EMAIL_USE means; any other name is one of django-anymail's, whose options
    are set as ANYMAIL_<OPTION>, or a class by its path."""
    known = {
        "console": "django.core.mail.backends.console.EmailBackend",
        "smtp": "django.core.mail.backends.smtp.EmailBackend",
        "files": "backend.eml_backend.EmlFileBackend",
    }
    return known.get(name) or (name if "." in name else f"anymail.backends.{name}.EmailBackend")


MAIL_DIR = env.HOLDFAST_MAIL_DIR or (str(DATA_DIR / "mail") if EMBEDDED else "")
EMAIL_USE = env.EMAIL_USE or ("files" if MAIL_DIR and not env.EMAIL_HOST else "smtp")
EMAIL_BACKEND = env.EMAIL_BACKEND or find_email_backend(EMAIL_USE)
EMAIL_FALLBACK = env.EMAIL_FALLBACK
EMAIL_HOST = env.EMAIL_HOST or "localhost"
EMAIL_PORT = env.EMAIL_PORT
EMAIL_HOST_USER = env.EMAIL_HOST_USER
EMAIL_HOST_PASSWORD = env.EMAIL_HOST_PASSWORD
EMAIL_USE_TLS = env.EMAIL_USE_TLS
EMAIL_USE_SSL = env.EMAIL_USE_SSL
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.DEFAULT_FROM_EMAIL
ADMIN_EMAIL = env.ADMIN_EMAIL
# within an hour, to one address that nobody has verified: it may be a stranger's
MAX_BOOKING_EMAILS_TO_UNVERIFIED = env.MAX_BOOKING_EMAILS_TO_UNVERIFIED
MAX_RESETS_TO_UNVERIFIED = env.MAX_RESETS_TO_UNVERIFIED
ANYMAIL = {"SENDGRID_API_KEY": env.SENDGRID_API_KEY, "REQUESTS_TIMEOUT": (5, 10)} | {
    name.removeprefix("ANYMAIL_"): value
    for name, value in os.environ.items()
    if value and name.startswith(("ANYMAIL_", "SENDGRID_API_"))
}
