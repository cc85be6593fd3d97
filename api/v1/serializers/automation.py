"""How the clock runs, as operators read it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from .fields import Duration, Instant


class JobShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    why = serializers.CharField()
    interval = Duration()
    paused = serializers.BooleanField()
    last_run = Instant(allow_null=True, help_text="When the last run that ended began")
    duration = serializers.FloatField(allow_null=True, help_text="Of the last run, in seconds")
    count = serializers.IntegerField(help_text="Rows of the last run")
    total = serializers.IntegerField(help_text="Rows of all runs")
    runs = serializers.IntegerField()
    failed_runs = serializers.IntegerField()
    lag = serializers.FloatField(
        allow_null=True,
        help_text="Seconds since the oldest deadline that waits; null for a job without deadlines",
    )
    next_due = Instant(allow_null=True, help_text="Null while paused")
    late = serializers.BooleanField()
    healthy = serializers.BooleanField()
    last_error = serializers.CharField()
    worker = serializers.CharField()


class BacklogShape(serializers.Serializer[Any]):
    kind = serializers.CharField()
    state = serializers.CharField()
    count = serializers.IntegerField(help_text="Of sent and withheld, the last hour's")


class ProcessShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    last_seen = Instant()
    alive = serializers.BooleanField()


class FailureShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    job = serializers.CharField()
    row = serializers.CharField()
    error = serializers.CharField()
    attempts = serializers.IntegerField()
    last_at = Instant()
    retry_at = Instant()


class ParkedShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = serializers.CharField()
    name = serializers.CharField()
    booking = serializers.IntegerField(source="booking_id", allow_null=True)
    attempts = serializers.IntegerField()
    error = serializers.CharField(source="last_error")
    finished_at = Instant()


class AutomationShape(serializers.Serializer[Any]):
    healthy = serializers.BooleanField()
    problems = serializers.ListField(child=serializers.CharField())
    now = Instant(help_text="By the database's clock")
    jobs = JobShape(many=True)
    outbox = BacklogShape(many=True)
    workers = ProcessShape(many=True)
    beat = ProcessShape(many=True)
    failures = FailureShape(many=True)
    parked = ParkedShape(many=True)


class AutomationHealth(serializers.Serializer[Any]):
    status = serializers.CharField(help_text="`ok`, or `late`")
    problems = serializers.ListField(child=serializers.CharField())
    workers = serializers.IntegerField(help_text="How many are alive")
    beat = serializers.IntegerField(help_text="How many are alive")
    lag = serializers.FloatField(help_text="The longest of all jobs, in seconds")
