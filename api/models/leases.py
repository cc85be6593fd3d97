"""What every table has that is worked on as a queue; see `api.services.operations.lease_queue`."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.functions import Now


class LeasedRow(models.Model):
    """`due_at` is when the next attempt may begin. While a worker has the row it is the end of the
    worker's lease, so a row whose worker died becomes due by itself."""

    state: Any  # a column of each table, with states of its own
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    class Meta:
        abstract = True

    def log_fields(self) -> dict[str, str]:
        """What a line of the log names this row by."""
        return {"row": str(self.pk)}
