"""Payments: Stripe with a key, the local stand-in without one; never both, never by accident."""

from django.core.exceptions import ImproperlyConfigured

from .base import ALLOWED_HOSTS, DEBUG, EMBEDDED, env

STRIPE_SECRET_KEY = env.STRIPE_SECRET_KEY
STRIPE_LOCAL = not STRIPE_SECRET_KEY and (EMBEDDED or env.STRIPE_LOCAL)
STRIPE_API_BASE = env.STRIPE_API_BASE
STRIPE_WEBHOOK_SECRET = env.STRIPE_WEBHOOK_SECRET
STRIPE_CONNECT_TIMEOUT = env.STRIPE_CONNECT_TIMEOUT  # seconds
STRIPE_READ_TIMEOUT = env.STRIPE_READ_TIMEOUT
# customers of one web process who may wait for Stripe at once; a thread is left for all others
PAYING_AT_ONCE = max(1, env.WEB_THREADS - 1)
STRIPE_SIGNATURE_TOLERANCE = 300  # seconds that a signature may be old
# the stand-in knows no payment that was only told of, by an event signed by hand
STRIPE_BELIEVE_EVENTS = STRIPE_LOCAL and env.STRIPE_BELIEVE_EVENTS
if STRIPE_LOCAL:
    STRIPE_SECRET_KEY = "sk_test_local"  # noqa: S105 - the stand-in takes any
    STRIPE_API_BASE = STRIPE_API_BASE or f"http://127.0.0.1:{env.STRIPE_PORT}"
    ALLOWED_HOSTS = sorted({*ALLOWED_HOSTS, "127.0.0.1"})  # it calls us back there

is_live = STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))
is_test = STRIPE_SECRET_KEY.startswith(("sk_test_", "rk_test_"))
if STRIPE_SECRET_KEY and not (is_live or is_test):
    raise ImproperlyConfigured(
        "STRIPE_SECRET_KEY is not a secret key: those begin with sk_test_ or sk_live_."
    )
if is_live and DEBUG:
    raise ImproperlyConfigured("Live Stripe keys and DEBUG do not go together.")
if is_live and STRIPE_API_BASE:
    raise ImproperlyConfigured("Live Stripe keys go to Stripe alone: unset STRIPE_API_BASE.")
if STRIPE_SECRET_KEY and not STRIPE_WEBHOOK_SECRET:
    raise ImproperlyConfigured("Set STRIPE_WEBHOOK_SECRET: without it no webhook can be believed.")
