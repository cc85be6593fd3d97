"""Sums of days that are over, and files of figures."""

from celery import shared_task

from api.services.analytics import exports, rollups
from api.services.operations import jobs


@shared_task
def roll_up_analytics() -> int:
    """Days summed up in this run."""
    return jobs.run("roll_up_analytics", rollups.roll_up)


@shared_task
def make_exports() -> int:
    """Files made in this run."""
    return jobs.run("make_exports", exports.make_requested)
