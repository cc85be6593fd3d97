"""Periodic jobs, processes with their heartbeats, and rows that a job failed on."""

from django.db import models
from django.db.models.functions import Now


class Job(models.Model):
    """A job of the schedule. `every` is the interval in the code; another one in beat's own table
    is therefore an operator's."""

    name = models.CharField(max_length=60, unique=True)
    every = models.DurationField(null=True, blank=True)
    known_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    succeeded_at = models.DateTimeField(null=True, blank=True)
    progressed_at = models.DateTimeField(null=True, blank=True)
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


class Heartbeat(models.Model):
    """The last heartbeat of a process; in the database so that it is seen without the broker."""

    class Kind(models.TextChoices):
        BEAT = "beat", "Beat"
        WORKER = "worker", "Worker"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    name = models.CharField(max_length=120)
    pid = models.PositiveIntegerField()
    seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["kind", "name"]
        constraints = [
            models.UniqueConstraint("kind", "name", name="heartbeat_once"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["beat", "worker"]), name="heartbeat_kind_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class JobFailure(models.Model):
    """A row that a job failed on; it is skipped until `retry_at`."""

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
