"""Celery tasks by theme. A task is one call of one service, safe to run twice or at once."""
