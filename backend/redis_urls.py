"""URLs of Redis and of the broker, as providers give them: with TLS, users and options.

With TLS the server must show a valid certificate, unless the URL itself says otherwise.
"""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import urlsplit


def require_certificate(url: str) -> str:
    """The same URL; a `rediss://` one insists on a certificate, which kombu would not check."""
    if not url.startswith("rediss://") or "ssl_cert_reqs=" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}ssl_cert_reqs=required"


def use_database(url: str, number: int) -> str:
    """The same server and options, another of its numbered databases."""
    parts = urlsplit(url)
    return parts._replace(path=f"/{number}").geturl()


def build_tls_options(url: str, authority: str) -> dict[str, Any] | None:
    """Celery's `broker_use_ssl` for an `amqps://` broker: its certificate is for the host in the
    URL, signed by the authority in that file or by one the system knows. None for any other."""
    if not url.startswith("amqps://"):
        return None
    options = {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": None}  # None: the URL's
    return options | ({"ca_certs": authority} if authority else {})
