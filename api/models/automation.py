"""What the clock did: one row per job, and one per row of work that failed."""

from django.db import models
from django.db.models.functions import Now


class Job(models.Model):
    name = models.CharField(max_length=60, unique=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    duration = models.DurationField(null=True, blank=True)
    count = models.BigIntegerField(default=0, help_text="Rows of the last run")
    total = models.BigIntegerField(default=0, help_text="Rows of all runs")
    runs = models.BigIntegerField(default=0)
    failed_runs = models.BigIntegerField(default=0)
    last_error = models.TextField(blank=True)
    worker = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class JobFailure(models.Model):
    """A row that a job could not work on; the others went on without it."""

    job = models.CharField(max_length=60)
    row = models.CharField(max_length=60)
    error = models.TextField()
    attempts = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField(db_default=Now())
    last_at = models.DateTimeField(db_default=Now())
    retry_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-last_at"]
        constraints = [models.UniqueConstraint("job", "row", name="job_failure_once")]

    def __str__(self) -> str:
        return f"{self.job}: {self.row}"
