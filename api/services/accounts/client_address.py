"""The client address of the current request. It is stored as a hash only, never as an address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.utils.crypto import salted_hmac

_ADDRESS: ContextVar[str] = ContextVar("address", default="")


@contextmanager
def use_client_address(address: str) -> Iterator[None]:
    token = _ADDRESS.set(address)
    try:
        yield
    finally:
        _ADDRESS.reset(token)


def get_address_hash() -> str:
    """The same for all requests from one address; empty where there is none, as in a worker."""
    address = _ADDRESS.get()
    return salted_hmac("holdfast.client_address", address).hexdigest()[:16] if address else ""
