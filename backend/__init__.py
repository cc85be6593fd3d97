"""How a process is wired. No rules of the trade in here."""

import os

from .environment import normalize_environment

normalize_environment(os.environ)  # before anything asks for a variable

from .celery import app as celery  # noqa: E402 - the settings are chosen first

__all__ = ["celery"]
