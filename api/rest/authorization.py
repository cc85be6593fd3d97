"""Reads `Authorization` as RFC 9110 has it: a scheme in whatever case, spaces, one token.

A token may hold more than token68 allows: what operators choose (`METRICS_TOKEN`) is theirs.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_CREDENTIALS = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?: +([!#-+\--~]+))?")


class Credentials(NamedTuple):
    """The scheme in lower case, and its token; empty where there is none, or more than one."""

    scheme: str
    token: str


def read_credentials(header: str) -> Credentials:
    """What a header says. A second set of credentials, in one header or another, makes neither
    count: it is not for us to choose."""
    found = _CREDENTIALS.fullmatch(header.strip(" \t"))
    if found is None:
        return Credentials(re.split(r"[\s,]", header.strip(), maxsplit=1)[0].lower(), "")
    return Credentials(found[1].lower(), found[2] or "")
