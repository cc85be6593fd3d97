"""Where the request that is being worked on came from: kept as a mark, never as an address.

The rule: two requests from one address have the same mark, and the mark tells nobody the address.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.utils.crypto import salted_hmac

_ADDRESS: ContextVar[str] = ContextVar("address", default="")


@contextmanager
def client_address(address: str) -> Iterator[None]:
    token = _ADDRESS.set(address)
    try:
        yield
    finally:
        _ADDRESS.reset(token)


def get_address_hash() -> str:
    """Of the caller's address; empty where nobody called, as in a worker."""
    address = _ADDRESS.get()
    return salted_hmac("holdfast.whence", address).hexdigest()[:16] if address else ""
