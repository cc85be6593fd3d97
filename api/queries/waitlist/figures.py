"""How the waitlist works, in figures: what is on offer, and what became of the offers of a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Avg, Count, F, Q
from django.db.models.functions import Now

from api.lifecycle import OFFERED, WAITING, WAITLIST, WaitlistStatus
from api.models import Caller, WaitlistEntry
from api.queries.accounts.scope import limit_to_staff

DAY = timedelta(days=1)


@dataclass(frozen=True)
class OfferFigures:
    """`waiting` and `running` are as of now, the others of the last 24 hours. `empty`: how long
    what was accepted had stood empty, on average; None where nothing was."""

    waiting: int = 0
    running: int = 0
    accepted: int = 0
    declined: int = 0
    lapsed: int = 0
    empty: timedelta | None = None

    @property
    def empty_seconds(self) -> float | None:
        return self.empty.total_seconds() if self.empty is not None else None


def get_figures(caller: Caller | None = None) -> OfferFigures:
    """Of all venues, or of those where the caller is staff: one statement."""
    rows = WaitlistEntry.objects.filter(
        Q(status__in=WAITLIST.blocking) | Q(updated_at__gt=Now() - DAY)
    )
    rows = rows if caller is None else limit_to_staff(rows, caller)
    stands = Q(lapses_at__gt=Now())
    was_offered = Q(booking__isnull=False)
    taken = Q(status=WaitlistStatus.TAKEN)
    return OfferFigures(
        **rows.aggregate(
            waiting=Count("pk", filter=stands & Q(status=WAITING)),
            running=Count("pk", filter=stands & Q(status=OFFERED)),
            accepted=Count("pk", filter=taken),
            declined=Count("pk", filter=Q(status=WaitlistStatus.DECLINED)),
            lapsed=Count("pk", filter=was_offered & Q(status=WaitlistStatus.LAPSED)),
            empty=Avg(F("updated_at") - F("freed_at"), filter=taken),
        )
    )
