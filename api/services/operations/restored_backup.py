"""Prepares a database restored from a backup, which lacks what was done since.

No email is sent twice, and no id is used twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.apps import apps
from django.db import connection, models, transaction
from django.db.models import Count
from django.db.models.functions import Now

from api.models import Delivery
from api.models.outbox import Kind, State

WHY = "restored from a backup: it may have been sent before"
UNSENT = (State.WAITING, State.SENDING)


@dataclass
class Outcome:
    """`withheld`: emails by name; `calls`: calls to Stripe that are made again, safe by their
    idempotency keys; `moved`: how many sequences."""

    withheld: dict[str, int] = field(default_factory=dict)
    calls: int = 0
    moved: int = 0


@transaction.atomic
def prepare_restored(*, send: bool, gap: int) -> Outcome:
    """Withhold emails that are not known to be sent, unless `send`, and skip `gap` ids in every
    table, so that no id given out since the backup gets another meaning."""
    found = Outcome(calls=_release_calls(), moved=_skip_ids(gap))
    unsent = Delivery.objects.filter(kind=Kind.EMAIL, state__in=UNSENT)
    if not send:
        found.withheld = dict(unsent.order_by().values_list("name").annotate(Count("pk")))
        unsent.update(state=State.WITHHELD, last_error=WHY, finished_at=Now())
    return found


def _release_calls() -> int:
    """Make calls due again that were being made when the backup was taken."""
    calls = Delivery.objects.filter(state__in=UNSENT).exclude(kind=Kind.EMAIL)
    return calls.update(state=State.WAITING, due_at=Now())


def _skip_ids(gap: int) -> int:
    """Advance the sequences: ids stand in emails, at Stripe and in the keys of the outbox."""
    tables = [m._meta.db_table for m in apps.get_app_config("api").get_models() if _has_sequence(m)]
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(
                "SELECT setval(s, nextval(s) + %s) FROM pg_get_serial_sequence(%s, 'id') AS s",
                [gap, table],
            )
    return len(tables)


def _has_sequence(model: type[models.Model]) -> bool:
    return isinstance(model._meta.pk, models.AutoField) and not model._meta.proxy
