"""The staff site, which is Django's admin. Changes of status go through the services; history is
read-only."""

from . import (
    blocks,
    bookings,
    login,
    members,
    operations,
    series,
    services,
    sign_in,
    third_party,
    users,
    venues,
)

__all__ = [
    "blocks",
    "bookings",
    "login",
    "members",
    "operations",
    "series",
    "services",
    "sign_in",
    "third_party",
    "users",
    "venues",
]
