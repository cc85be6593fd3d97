"""Which web page sent a request. A browser sends our cookies for any page, and its forms without a
preflight; `Origin` says which page it was."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings


def is_untrusted_origin(request: Any) -> bool:
    """Whether the page is neither ours nor one that the settings allow. Without `Origin` and
    `Sec-Fetch-Site`, as from a client that is no browser, it is not."""
    origin = request.headers.get("Origin", "")
    if not origin:
        return bool(request.headers.get("Sec-Fetch-Site", "") == "cross-site")
    return not _is_allowed(request, origin)


def is_allowed_origin(request: Any, url: str) -> bool:
    """Whether the address is of a page of ours, or of one that the settings allow."""
    parts = urlsplit(url) if url.isprintable() and "\\" not in url else urlsplit("")
    origin = f"{parts.scheme}://{parts.netloc}"
    return parts.scheme in ("http", "https") and _is_allowed(request, origin)


def _is_allowed(request: Any, origin: str) -> bool:
    return (
        origin.partition("://")[2] == request.get_host()
        or origin in settings.CORS_ALLOWED_ORIGINS
        or any(re.match(allowed, origin) for allowed in settings.CORS_ALLOWED_ORIGIN_REGEXES)
    )
