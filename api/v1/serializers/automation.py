"""How the clock runs, as operators read it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from .base import example
from .fields import DurationField, InstantField

NOW = "2030-05-01T09:00:30Z"
PROCESS = {"name": "worker@web-1", "last_seen": NOW, "alive": True}
JOB = {
    "name": "expire_holds",
    "why": "Frees what was held and not paid in time",
    "interval": "00:00:10",
    "paused": False,
    "last_run": "2030-05-01T09:00:25Z",
    "duration": 0.02,
    "count": 3,
    "total": 1250,
    "runs": 8640,
    "failed_runs": 0,
    "lag": 0.0,
    "next_due": "2030-05-01T09:00:35Z",
    "late": False,
    "healthy": True,
    "last_error": "",
    "worker": "worker@web-1",
}


class JobSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="The name of the job.")
    why = serializers.CharField(help_text="What it is for.")
    interval = DurationField(help_text="How often it runs.")
    paused = serializers.BooleanField(help_text="Whether an operator has paused it.")
    last_run = InstantField(allow_null=True, help_text="When the last run that ended began.")
    duration = serializers.FloatField(
        allow_null=True, help_text="How long the last run took, in seconds."
    )
    count = serializers.IntegerField(
        allow_null=True, help_text="Rows of the last run; null to all but operators."
    )
    total = serializers.IntegerField(
        allow_null=True, help_text="Rows of all runs; null to all but operators."
    )
    runs = serializers.IntegerField(help_text="How often it ran.")
    failed_runs = serializers.IntegerField(help_text="How often it failed.")
    lag = serializers.FloatField(
        allow_null=True,
        help_text="Seconds since the oldest deadline that waits; null for a job without deadlines.",
    )
    next_due = InstantField(allow_null=True, help_text="When it runs next; null while paused.")
    late = serializers.BooleanField(help_text="Whether it should have run by now.")
    healthy = serializers.BooleanField(help_text="Neither late nor failing.")
    last_error = serializers.CharField(help_text="What went wrong last; empty if nothing did.")
    worker = serializers.CharField(help_text="Which worker ran it last.")


class BacklogSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(help_text="What is sent: e-mail, webhook, Stripe call.")
    state = serializers.CharField(help_text="The state that these rows are in.")
    count = serializers.IntegerField(
        help_text="How many; of sent and withheld ones, in the last hour."
    )


class ProcessSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="The name of the process.")
    last_seen = InstantField(help_text="Its last heartbeat.")
    alive = serializers.BooleanField(help_text="Whether that is recent enough.")


class FailureSerializer(serializers.Serializer[Any]):
    job = serializers.CharField(help_text="The job that failed.")
    id = serializers.IntegerField(help_text="The id of this failure.")
    row = serializers.CharField(help_text="The row that it failed on.")
    error = serializers.CharField(help_text="What went wrong.")
    attempts = serializers.IntegerField(help_text="How often it was tried.")
    last_at = InstantField(help_text="When it failed last.")
    retry_at = InstantField(help_text="When it is tried again.")


class ParkedSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="The id in the outbox.")
    kind = serializers.CharField(help_text="What was to be sent: e-mail, webhook, Stripe call.")
    name = serializers.CharField(help_text="Which one of its kind.")
    booking = serializers.IntegerField(
        source="booking_id", allow_null=True, help_text="The booking that it is about."
    )
    attempts = serializers.IntegerField(help_text="How often it was tried.")
    error = serializers.CharField(source="last_error", help_text="Why it was given up.")
    finished_at = InstantField(help_text="When it was given up.")


class OffersSerializer(serializers.Serializer[Any]):
    waiting = serializers.IntegerField(help_text="Entries of the waitlist that wait now.")
    running = serializers.IntegerField(help_text="Offers that nobody has answered yet.")
    accepted = serializers.IntegerField(help_text="Offers accepted in the last 24 hours.")
    declined = serializers.IntegerField(help_text="Offers declined in the last 24 hours.")
    lapsed = serializers.IntegerField(help_text="Offers not answered in the last 24 hours.")
    empty = serializers.FloatField(
        source="empty_seconds",
        allow_null=True,
        help_text="Seconds that an accepted time had stood empty, on average; null for none.",
    )


@example(
    {
        "healthy": True,
        "problems": [],
        "now": NOW,
        "jobs": [JOB],
        "outbox": [{"kind": "email", "state": "sent", "count": 12}],
        "workers": [PROCESS],
        "beat": [PROCESS | {"name": "beat@web-1"}],
        "failures": [],
        "offers": {
            "waiting": 5,
            "running": 1,
            "accepted": 3,
            "declined": 1,
            "lapsed": 0,
            "empty": 420.5,
        },
        "parked": [],
    }
)
class AutomationSerializer(serializers.Serializer[Any]):
    healthy = serializers.BooleanField(help_text="Whether everything runs as it should.")
    problems = serializers.ListField(
        child=serializers.CharField(), help_text="What does not, in sentences."
    )
    now = InstantField(help_text="The database's clock.")
    jobs = JobSerializer(many=True, help_text="Every periodic job.")
    outbox = BacklogSerializer(many=True, help_text="What waits to be sent, and was.")
    workers = ProcessSerializer(many=True, help_text="The processes that run the jobs.")
    beat = ProcessSerializer(many=True, help_text="The processes that say when.")
    failures = FailureSerializer(many=True, help_text="Rows that a job failed on.")
    offers = OffersSerializer(help_text="What is on offer to who waits, of one's venues.")
    parked = ParkedSerializer(many=True, help_text="What was tried too often and given up.")
