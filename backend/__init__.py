"""How a process is wired. No rules of the trade in here."""

from .celery import app as celery

__all__ = ["celery"]
