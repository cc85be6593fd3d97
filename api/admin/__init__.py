"""The admin site. Changes of status go through the services; history is read-only."""

from . import bookings, outbox, people, venues

__all__ = ["bookings", "outbox", "people", "venues"]
