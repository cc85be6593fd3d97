"""Pools and services as staff keep them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from api import errors
from api.models import (
    Booking,
    Caller,
    Need,
    Pool,
    Resource,
    Service,
    ServiceDuration,
    Venue,
)
from api.queries.accounts.scope import check_staff_of
from api.signals import slots_freed


@transaction.atomic
def create_pool(venue: Venue, by: Caller, *, name: str, resources: Collection[int]) -> Pool:
    """Refuses `Forbidden`, and `Unfit` for resources that are none of the venue's."""
    check_staff_of(by, venue.pk)
    _check_resources(venue.pk, resources)
    pool = Pool.objects.create(venue=venue, name=name)
    pool.resources.set(resources)
    return pool


@transaction.atomic
def update_pool(pool: Pool, by: Caller, changes: Mapping[str, Any]) -> None:
    """Refuses as `create_pool` does, and another venue."""
    check_staff_of(by, pool.venue_id)
    _check_venue(pool.venue_id, changes)
    if "name" in changes:
        pool.name = changes["name"]
        pool.save(update_fields=["name"])
    if "resources" in changes:
        _check_resources(pool.venue_id, changes["resources"])
        pool.resources.set(changes["resources"])
        slots_freed.send(sender=Pool, venue_id=pool.venue_id)


@transaction.atomic
def delete_pool(pool: Pool, by: Caller) -> None:
    """A pool that a service takes from, or that somebody ever waited for, is retired: it is listed
    no more, and serves on."""
    check_staff_of(by, pool.venue_id)
    locked = Pool.objects.select_for_update().get(pk=pool.pk)
    if locked.needs.exists() or locked.waitlist.exists():
        Pool.objects.filter(pk=locked.pk).update(retired_at=Now())
    else:
        locked.delete()


def _check_resources(venue_id: int, ids: Collection[int]) -> None:
    if len(set(ids)) < len(ids):
        raise errors.Unfit(errors={"resources": ["One is named twice."]})
    if Resource.objects.filter(venue=venue_id, retired_at=None, pk__in=ids).count() < len(ids):
        raise errors.Unfit(errors={"resources": ["One is no resource of this venue."]})


def _check_venue(venue_id: int, changes: Mapping[str, Any]) -> None:
    if "venue" in changes and changes["venue"].pk != venue_id:
        raise errors.Unfit(errors={"venue": ["It stays with its venue."]})


@transaction.atomic
def create_service(
    venue: Venue,
    by: Caller,
    *,
    durations: Sequence[Mapping[str, Any]],
    needs: Sequence[Mapping[str, Any]],
    **fields: Any,
) -> Service:
    """Refuses `Forbidden`, and `Unfit` for pools that are none of the venue's or for what is named
    twice."""
    check_staff_of(by, venue.pk)
    service = Service.objects.create(venue=venue, **fields)
    _write_durations(service, durations)
    _write_needs(service, needs)
    return service


@transaction.atomic
def update_service(service: Service, by: Caller, changes: Mapping[str, Any]) -> None:
    """Lists that are given replace those that it has. Bookings that are there stay as they are.
    Refuses as `create_service` does, and another venue."""
    check_staff_of(by, service.venue_id)
    _check_venue(service.venue_id, changes)
    own = {n: changes[n] for n in changes.keys() - {"venue", "durations", "needs"}}
    if own:
        Service.objects.filter(pk=service.pk).update(**own)
    else:  # two who replace the lists at once do so one after the other
        Service.objects.select_for_update().get(pk=service.pk)
    if "durations" in changes:
        service.durations.all().delete()
        _write_durations(service, changes["durations"])
    if "needs" in changes:
        service.needs.all().delete()
        _write_needs(service, changes["needs"])
        slots_freed.send(sender=Service, venue_id=service.venue_id)


@transaction.atomic
def delete_service(service: Service, by: Caller) -> None:
    """A service that was ever booked or waited for is retired: it takes no new bookings and is
    listed no more."""
    check_staff_of(by, service.venue_id)
    locked = Service.objects.select_for_update().get(pk=service.pk)
    if Booking.objects.filter(service=locked).exists() or locked.waitlist.exists():
        Service.objects.filter(pk=locked.pk).update(retired_at=Now())
    else:
        locked.delete()


def _write_durations(service: Service, rows: Sequence[Mapping[str, Any]]) -> None:
    if len({row["duration"] for row in rows}) < len(rows):
        raise errors.Unfit(errors={"durations": ["One is named twice."]})
    ServiceDuration.objects.bulk_create(ServiceDuration(service=service, **row) for row in rows)


def _write_needs(service: Service, rows: Sequence[Mapping[str, Any]]) -> None:
    ids = {row["pool_id"] for row in rows}
    pools = Pool.objects.filter(venue=service.venue_id, pk__in=ids)
    had = Need.objects.filter(service=service).values("pool")
    if pools.filter(retired_at=None).union(pools.filter(pk__in=had)).count() < len(ids):
        raise errors.Unfit(errors={"needs": ["One is no pool of this venue."]})
    Need.objects.bulk_create(Need(service=service, **row) for row in rows)
