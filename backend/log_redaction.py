"""Hides secrets, tokens, passwords and e-mail addresses in log lines, whoever logs them.

It is the last step before a line is written and looks at the text, so nothing gets around it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

Event = MutableMapping[str, Any]

HIDDEN = "[hidden]"
MIN_LENGTH = 8  # characters; shorter values would hide ordinary text
SECRET_NAMES = re.compile(
    r"password|passwd|secret|token|authorization|cookie|api_?key|signature", re.I
)
SECRET_PATTERNS = re.compile(
    r"eyJ[\w-]{5,}\.[\w-]+\.[\w-]*"  # JWT
    r"|\bhf[pk]_[\w-]{8,}"  # panels and keys
    r"|\b(?:sk|rk|pk)_(?:live|test)_\w+|\bwhsec_\w+|\bpi_\w+_secret_\w+"  # Stripe
    r"|(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"  # addresses of servers
    r"|(?<=/account/undo/)[^\s/\"']+|(?<=/account/confirm/)[^\s/\"']+"
    r"|(?<=/account/join/)[^\s/\"']+|(?<=/password-reset/)[^\s\"']+"
    r"|(?<=/guests/)\d+\.[^\s/\"']+"
    r"|(?<=token=)[^\s&\"']+"
    r"|(?i:\b(?:bearer|token|panel|basic)\s+)[\w.~+/=-]{12,}"
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # e-mail
)


def hide_patterns(text: str) -> str:
    """The text without what looks like a secret or an e-mail address."""
    return SECRET_PATTERNS.sub(HIDDEN, text)


def redact_secrets(secrets: Iterable[str]) -> Callable[[Any, str, Event], Event]:
    """Return a structlog processor that hides these values, and all that looks like a secret or an
    e-mail address."""
    known = sorted({value for value in secrets if len(value) >= MIN_LENGTH}, key=len, reverse=True)
    values = re.compile("|".join(map(re.escape, known))) if known else None

    def hide(value: Any, name: str = "") -> Any:
        if name and SECRET_NAMES.search(name) and isinstance(value, (str, bytes)):
            return HIDDEN
        if isinstance(value, MutableMapping):
            return {key: hide(each, str(key)) for key, each in value.items()}
        if isinstance(value, (list, tuple, set)):
            return [hide(each) for each in value]
        if isinstance(value, (bool, int, float, type(None))):
            return value
        text = value if isinstance(value, str) else str(value)
        if values is not None:
            text = values.sub(HIDDEN, text)
        return hide_patterns(text)

    def processor(_: Any, __: str, event: Event) -> Event:
        for name, value in event.items():
            # what structlog itself keeps there is not written
            if not name.startswith("_"):
                event[name] = hide(value, name)
        return event

    return processor
