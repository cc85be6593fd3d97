"""What staff decide about a booking under review: it is kept, moved or cancelled, once.

Rows are locked in the order in which everything else locks them: resources, booking, review. Each
refuses `NotFound`, `Forbidden`, `AlreadyDone` where the review is not open any more, and what the
service refuses that moves or cancels.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models.functions import Now

from api import errors
from api.models import Booking, Review
from api.models.reviews import Decision
from api.queries.reviews.reviews import get_review, list_open_reviews
from api.queries.venues.broken_rules import get_key
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.bookings.broken import find_broken, list_broken_now
from api.services.bookings.changes import BookingChanges
from api.services.bookings.history import record_events
from api.services.bookings.parts import list_other_ids
from api.services.bookings.reschedule import reschedule_booking
from api.services.bookings.slots import lock_booking, lock_resources
from api.services.conflicts import retry_on_conflict
from api.services.messages.notifications import withhold_reviews


@retry_on_conflict
@transaction.atomic
def keep_reviewed_booking(review_id: int, actor: Actor, reason: str) -> Review:
    """The booking stays as it is, for as long as it breaks the rules that it breaks now."""
    review = _get_open_review(review_id, actor)
    booking = lock_booking(review.booking_id)
    broken = [get_key(rule) for rule in list_broken_now(booking)]
    _decide(review, Decision.KEEP, actor, reason, broken)
    Booking.objects.filter(pk=booking.pk).update(updated_at=Now())
    record_events("keep", [booking], actor, {"reason": reason, "rule": review.code})
    return review


@retry_on_conflict
@transaction.atomic
def move_reviewed_booking(
    review_id: int, actor: Actor, changes: BookingChanges, reason: str
) -> Review:
    """The booking moves to a time, and perhaps a resource, that fits all rules."""
    review = _get_open_review(review_id, actor)
    booking = Booking.objects.get(pk=review.booking_id)
    ids = {booking.resource_id, *list_other_ids(booking)}
    lock_resources(ids | {changes.resource or booking.resource_id})
    lock_booking(booking.pk)
    _decide(review, Decision.MOVE, actor, reason)
    withhold_reviews([review.pk])  # the letter about the move says it all
    booking = reschedule_booking(booking.pk, actor, changes, pre_approved=True, reason=reason)
    if broken := find_broken(booking):
        raise broken  # where it was, nothing asked the policy again
    return review


@retry_on_conflict
@transaction.atomic
def cancel_reviewed_booking(review_id: int, actor: Actor, reason: str) -> Review:
    review = _get_open_review(review_id, actor)
    lock_booking(review.booking_id)
    _decide(review, Decision.CANCEL, actor, reason)
    cancel_booking(review.booking_id, actor, reason)
    return review


def _get_open_review(review_id: int, actor: Actor) -> Review:
    if not actor.is_staff:
        raise errors.Forbidden
    if found := list_open_reviews().filter(pk=review_id).first():
        return found
    raise _already_decided(get_review(review_id))


def _decide(
    review: Review, decision: Decision, actor: Actor, reason: str, broken: Sequence[str] = ()
) -> None:
    """Exactly one of several decisions is written."""
    columns = {
        "decision": decision.value,
        "decided_at": Now(),
        "decided_by": actor.user,
        "reason": reason,
        "broken": list(broken),
    }
    if not Review.objects.filter(pk=review.pk, decided_at=None).update(**columns):
        raise _already_decided(review)


def _already_decided(review: Review) -> errors.AlreadyDone:
    return errors.AlreadyDone("It is under review no more.", current=review.decision)
