"""How a process is wired. No rules of the trade in here."""

import os

from .environment import read_files

read_files(os.environ)  # before anything asks for a setting

from .celery import app as celery  # noqa: E402

__all__ = ["celery"]
