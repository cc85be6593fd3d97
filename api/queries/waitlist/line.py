"""Who waits for what, in which order."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import IntegerField, Q, QuerySet
from django.db.models.expressions import RawSQL

from api.effective_status import build_current_q, build_effective_status_case
from api.errors import NotFound
from api.lifecycle import WAITING, WAITLIST
from api.models import Caller, Membership, Need, Pool, Resource, Venue, WaitlistEntry
from api.queries.clock import annotate_now

_ENTRIES, _VENUES, _MEMBERS, _NEEDS, _POOLS = (
    model._meta.db_table
    for model in (WaitlistEntry, Venue, Membership, Need, Pool.resources.through)
)

# An entry `e` may want the resource of an allocation `a`, within its span. Whether it would fit is
# for a booking to say; what comes too late to be offered is nobody's.
WANTS_SPAN = (
    f"EXISTS (SELECT FROM {_ENTRIES} e JOIN {_VENUES} v ON v.id = e.venue_id"
    f" WHERE e.venue_id = b.venue_id AND e.status = '{WAITING}'"
    " AND e.from_at < upper(a.span) AND e.until_at > lower(a.span)"
    " AND statement_timestamp() + v.offer_min_lead < upper(a.span)"
    " AND statement_timestamp() + v.offer_min_lead + e.duration <= e.until_at"
    " AND (e.resource_id = a.resource_id"
    f" OR e.pool_id IN (SELECT pool_id FROM {_POOLS} p WHERE p.resource_id = a.resource_id)"
    f" OR e.service_id IN (SELECT n.service_id FROM {_NEEDS} n JOIN {_POOLS} p"
    " ON p.pool_id = n.pool_id WHERE p.resource_id = a.resource_id)))"
)

# those of one line: for the same thing in overlapping windows
_SAME_LINE = " AND ".join(
    [
        *(
            f"o.{thing}_id IS NOT DISTINCT FROM {_ENTRIES}.{thing}_id"
            for thing in ("venue", "resource", "pool", "service")
        ),
        f"o.from_at < {_ENTRIES}.until_at AND o.until_at > {_ENTRIES}.from_at",
    ]
)


def _build_rank_sql(entry: str) -> str:
    """0 for those who come first, by the venue `v` of the entry."""
    return (
        f"(v.waitlist_members_first AND NOT EXISTS (SELECT FROM {_MEMBERS} m"
        f" WHERE m.venue_id = {entry}.venue_id AND m.user_id = {entry}.owner_id))::int"
    )


_POSITION = (
    f"CASE WHEN {_ENTRIES}.status = '{WAITING}'"
    f" AND {_ENTRIES}.lapses_at > statement_timestamp() THEN"
    f" (SELECT 1 + count(*) FROM {_ENTRIES} o JOIN {_VENUES} v ON v.id = o.venue_id"
    f" WHERE {_SAME_LINE} AND o.status = '{WAITING}' AND o.lapses_at > statement_timestamp()"
    f" AND ({_build_rank_sql('o')}, o.id) < ({_build_rank_sql(_ENTRIES)}, {_ENTRIES}.id)) END"
)
_RANK = f"(SELECT {_build_rank_sql(_ENTRIES)} FROM {_VENUES} v WHERE v.id = {_ENTRIES}.venue_id)"


def is_anybody_waiting(venue_id: int) -> bool:
    return WaitlistEntry.objects.filter(venue=venue_id, status=WAITING).exists()


def list_visible_entries(caller: Caller) -> QuerySet[WaitlistEntry]:
    """One's own, and everybody's at venues where one is staff, each with its `position`, its
    `effective` status and the database's `now`."""
    rows = annotate_now(WaitlistEntry.objects.select_related("venue", "booking", "owner")).annotate(
        effective=build_effective_status_case(WAITLIST),
        position=RawSQL(_POSITION, (), output_field=IntegerField()),  # noqa: S611 - no values in it
    )
    venues = caller.list_staff_venues()
    if venues is None:
        return rows
    own = Q(owner=caller.person_id) if caller.person_id is not None else Q(pk__in=[])
    return rows.filter(own | Q(venue__in=venues))


def get_visible_entry(caller: Caller, pk: int) -> WaitlistEntry:
    """The entry; refuses `NotFound` also when it is somebody else's."""
    entry = list_visible_entries(caller).filter(pk=pk).first()
    if entry is None:
        raise NotFound("There is no such waitlist entry.")
    return entry


def list_waiting(
    venue_id: int, resource_ids: Collection[int] | None = None
) -> QuerySet[WaitlistEntry]:
    """Who waits at the venue, for one of these resources or whatever it is, the first in line
    first."""
    rows = WaitlistEntry.objects.filter(build_current_q(WAITLIST, WAITING), venue=venue_id)
    if resource_ids is not None:
        rows = rows.filter(_build_wants_q(resource_ids))
    rows = rows.select_related("owner", "venue").annotate(
        rank=RawSQL(_RANK, (), output_field=IntegerField())  # noqa: S611 - no values in it
    )
    return rows.order_by("rank", "pk")


def _build_wants_q(resource_ids: Collection[int]) -> Q:
    ids = list(resource_ids)
    pools = Pool.resources.through.objects.filter(resource__in=ids).values("pool")
    services = Need.objects.filter(pool__in=pools).values("service")
    return Q(resource__in=ids) | Q(pool__in=pools) | Q(service__in=services)


def list_line(
    caller: Caller, resources: Collection[Resource], starts_at: datetime, ends_at: datetime
) -> list[WaitlistEntry]:
    """Who waits for one of these resources, or whatever it is, within that time, or has an offer:
    the earliest window first, and in each line the first in line first. For staff of theirs."""
    rows: Any = list_visible_entries(caller)
    rows = rows.filter(
        _build_wants_q([each.pk for each in resources]),
        venue__in={each.venue_id for each in resources},
        effective__in=WAITLIST.blocking,
        from_at__lt=ends_at,
        until_at__gt=starts_at,
    )
    return list(
        rows.select_related("resource", "pool", "service").order_by("from_at", "position", "pk")
    )


def find_in_line(entry: WaitlistEntry) -> WaitlistEntry | None:
    """The same person's entry in the same line, waiting or offered."""
    rows = WaitlistEntry.objects.filter(
        build_current_q(WAITLIST, *WAITLIST.blocking),
        owner=entry.owner_id,
        resource=entry.resource_id,
        pool=entry.pool_id,
        service=entry.service_id,
    )
    return rows.filter(from_at__lt=entry.until_at, until_at__gt=entry.from_at).first()
