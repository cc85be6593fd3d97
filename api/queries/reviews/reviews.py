"""Reviews as they are read: open is what nobody has decided, of a booking that is still ahead,
whether or not the clock's sweep has run."""

from __future__ import annotations

from django.db.models import QuerySet
from django.db.models.functions import Now

from api.errors import NotFound
from api.models import Booking, Caller, Review
from api.models.reviews import Decision
from api.queries.accounts.scope import limit_to_staff


def list_open_reviews() -> QuerySet[Review]:
    """The last one first."""
    ahead = Booking.objects.filter(reviews__decided_at=None, ends_at__gt=Now()).blocking()
    return Review.objects.filter(decided_at=None, booking__in=ahead).order_by("-id")


def get_review(pk: int, caller: Caller | None = None) -> Review:
    """The review, open or not; refuses `NotFound`, also to a caller who is not staff of its
    venue."""
    rows = Review.objects.filter(pk=pk).select_related("booking")
    found = (limit_to_staff(rows, caller) if caller is not None else rows).first()
    if found is None:
        raise NotFound("There is no such review.")
    return found


def list_kept_keys(booking_id: int) -> set[str]:
    """The keys of the rules that staff have decided to keep this booking against."""
    rows = Review.objects.filter(booking=booking_id, decision=Decision.KEEP)
    return {key for broken in rows.values_list("broken", flat=True) for key in broken}
