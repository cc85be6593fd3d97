"""Whose page a browser sends a request for. It sends cookies along whoever asks, and forms without
asking us first; in `Origin` it says who that is."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings


def is_untrusted_origin(request: Any) -> bool:
    """Whether it is a page that nobody named here; what is sent by no browser is not."""
    origin = request.headers.get("Origin", "")
    return bool(origin) and not (
        origin.partition("://")[2] == request.get_host()
        or origin in settings.CORS_ALLOWED_ORIGINS
        or any(re.match(allowed, origin) for allowed in settings.CORS_ALLOWED_ORIGIN_REGEXES)
    )
