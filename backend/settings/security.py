"""Secrets, passwords and tokens; HTTPS, cookies and the origins that browsers may call from."""

import hmac
import re
from datetime import timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from .base import DEBUG, EMBEDDED, FRONTEND_URL, env

ORIGIN = r"https?://[A-Za-z0-9.-]+(:\d+)?"


def derive_secret(use: str) -> str:
    """A secret for this use alone, where only SECRET_KEY was given: neither tells the other."""
    return hmac.new(env.SECRET_KEY.encode(), f"holdfast {use} token".encode(), "sha256").hexdigest()


SECRET_KEY = env.SECRET_KEY
JWT_ACCESS_SECRET = env.JWT_ACCESS_SECRET or derive_secret("access")
JWT_REFRESH_SECRET = env.JWT_REFRESH_SECRET or derive_secret("refresh")
# who may ask for dead holds to be expired, beside staff
CLEANUP_SECRET = env.CLEANUP_SECRET
CLEANUP_OPEN = env.CLEANUP_OPEN

# people

AUTH_USER_MODEL = "api.User"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "admin:index"  # of the admin site's own form
AUTHENTICATION_BACKENDS = ["api.rest.authentication.EmailOrUsernameBackend"]
AUTH_PASSWORD_VALIDATORS = [
    *(
        {"NAME": f"django.contrib.auth.password_validation.{name}"}
        for name in (
            "UserAttributeSimilarityValidator",
            "MinimumLengthValidator",
            "CommonPasswordValidator",
            "NumericPasswordValidator",
        )
    ),
    {"NAME": "api.services.accounts.passwords.MaximumLengthValidator"},
]
PASSWORD_RESET_TIMEOUT = 3600  # seconds: the e-mail says one hour
FRESH_SIGN_IN = timedelta(minutes=env.FRESH_SIGN_IN_MINUTES)
FAILED_LOGINS_ALLOWED = env.FAILED_LOGINS_ALLOWED
FAILED_LOGINS_WINDOW = timedelta(minutes=env.FAILED_LOGINS_WINDOW_MINUTES)
# open holds from one address at one venue, whoever makes them; 0 is no limit
MAX_HOLDS_PER_ADDRESS = env.MAX_HOLDS_PER_ADDRESS
if MAX_HOLDS_PER_ADDRESS is None:
    MAX_HOLDS_PER_ADDRESS = 0 if EMBEDDED else 100

SIMPLE_JWT = {
    "SIGNING_KEY": JWT_ACCESS_SECRET,
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=30),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    "AUTH_TOKEN_CLASSES": ("api.services.accounts.tokens.Access",),
    "UPDATE_LAST_LOGIN": False,
    "CHECK_REVOKE_TOKEN": True,  # a new password ends every session
}

# plain HTTP is for trying it out; anywhere else cookies travel over HTTPS alone

HTTPS = not (DEBUG or EMBEDDED) if env.HTTPS is None else env.HTTPS
SECURE_SSL_REDIRECT = env.SECURE_SSL_REDIRECT
SECURE_HSTS_SECONDS = env.SECURE_HSTS_SECONDS
if SECURE_HSTS_SECONDS is None:
    SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
X_FRAME_OPTIONS = "DENY"
# whose pages may frame the first page of a venue's booking page, and no other page
EMBED_ORIGINS = [origin.rstrip("/") for origin in env.EMBED_ORIGINS]
if wrong := [each for each in EMBED_ORIGINS if not re.fullmatch(ORIGIN, each)]:
    raise ImproperlyConfigured(f"EMBED_ORIGINS: {wrong[0]} is no origin, like https://example.com.")
SECURE_REFERRER_POLICY = "same-origin"
# security.W008: TLS ends at the proxy, which redirects; a redirect of ours would loop behind one
# that does not say X-Forwarded-Proto
SILENCED_SYSTEM_CHECKS = ["security.W008"]

# the cookie with the refresh token; SameSite=None is for a frontend at another site than ours

REFRESH_COOKIE = "refresh_token"
REFRESH_COOKIE_SAMESITE: Any = env.COOKIE_SAMESITE
if REFRESH_COOKIE_SAMESITE == "None" and not HTTPS:
    raise ImproperlyConfigured("COOKIE_SAMESITE=None needs HTTPS: browsers drop such a cookie.")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = REFRESH_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True

# browsers of the frontends: any port of this machine in development, named origins elsewhere

CORS_ALLOW_CREDENTIALS = True
CORS_ALLOWED_ORIGINS = sorted(
    {*filter(None, [FRONTEND_URL]), *(origin.rstrip("/") for origin in env.CORS_ALLOWED_ORIGINS)}
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
        *(rf"^https://{name}-\d+\.app\.github\.dev$" for name in [env.CODESPACE_NAME] if name),
    ]
    if DEBUG or EMBEDDED
    else []
)
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "x-contract",
    "x-csrftoken",
    "x-device-token",
    "x-request-id",
    "x-requested-with",
]
CORS_EXPOSE_HEADERS = [
    "content-disposition",
    "etag",
    "idempotency-replayed",
    "location",
    "retry-after",
    "x-contract",
    "x-request-id",
]
CSRF_TRUSTED_ORIGINS = CORS_ALLOWED_ORIGINS
