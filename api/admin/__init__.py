"""The admin site. Changes of status go through the services; history is read-only."""

from . import bookings, entry, libraries, outbox, people, venues

__all__ = ["bookings", "entry", "libraries", "outbox", "people", "venues"]
