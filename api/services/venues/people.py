"""People who are resources: what becomes of them when the person is erased."""

from __future__ import annotations

from django.db import transaction
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Coalesce, Concat, Now

from api.models import Block, HoursException, Resource, User
from api.services.reviews.review import review_bookings

from .resources import announce_changes


@transaction.atomic
def retire_person(user: User) -> list[str]:
    """The person can be booked no more, and nothing about the resource names or describes them;
    what was booked of it stays, and what is ahead goes to review. Returns the names under which
    the audit log has it."""
    rows = Resource.objects.filter(user=user)
    venues = dict(rows.values_list("pk", "venue"))
    Resource.objects.filter(pk__in=venues).update(
        user=None,
        name=Concat(Value("Resource "), Cast("pk", CharField())),
        description="",
        image_url="",
        retired_at=Coalesce("retired_at", Now()),
    )
    own = {"resource__in": list(venues)}
    blocks, exceptions = Block.objects.filter(**own), HoursException.objects.filter(**own)
    for reasons in (blocks, exceptions):  # "ill", "at the doctor's"
        reasons.update(reason="")
    announce_changes(list(venues))
    for pk, venue_id in venues.items():
        review_bookings(venue_id, [pk])
    return [
        *(f"resource:{pk}" for pk in venues),
        *(f"block:{pk}" for pk in blocks.values_list("pk", flat=True)),
        *(f"exception:{pk}" for pk in exceptions.values_list("pk", flat=True)),
    ]
