"""The client of the current request: its address, which is stored as a hash only, and program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.utils.crypto import salted_hmac

_ADDRESS: ContextVar[str] = ContextVar("address", default="")
_USER_AGENT: ContextVar[str] = ContextVar("user_agent", default="")


@contextmanager
def use_client_address(address: str, user_agent: str = "") -> Iterator[None]:
    token, agent = _ADDRESS.set(address), _USER_AGENT.set(user_agent)
    try:
        yield
    finally:
        _ADDRESS.reset(token)
        _USER_AGENT.reset(agent)


def get_user_agent() -> str:
    """What the program calls itself; empty where there is none."""
    return _USER_AGENT.get()


def get_address_hash() -> str:
    """The same for all requests from one address; empty where there is none, as in a worker."""
    address = _ADDRESS.get()
    return salted_hmac("holdfast.client_address", address).hexdigest()[:16] if address else ""
