"""A service with all that a booking of it looks at: its durations and needs, and the rules of every
resource that may serve it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject
from django.utils.dateparse import parse_duration

from api import errors
from api.models import Need, Pool, Resource, Service, ServiceDuration, Venue
from api.policy import Rules
from api.queries.bookings.matching import Wanted
from api.queries.clock import annotate_now

from .rules import annotate_rows, build_rules, keep_rows


@dataclass(frozen=True)
class ServiceRules:
    """`rules`: of each resource that may serve it, by id."""

    service: Service
    now: datetime
    needs: list[Wanted]
    rules: dict[int, Rules]

    @property
    def venue(self) -> Venue:
        return self.service.venue

    @property
    def prices(self) -> Mapping[timedelta, int]:
        return self.service.prices

    def get_duration(self, duration: timedelta | None) -> timedelta:
        """The one that is meant; refuses `Unfit` for one that the service has not, or for none
        where it has several."""
        if duration is None and len(self.prices) == 1:
            return next(iter(self.prices))
        if duration is None:
            raise errors.Unfit(errors={"duration": ["Say which: the service has several."]})
        get_price(self.service, duration)
        return duration

    def multiply_needs(self, quantity: int) -> list[Wanted]:
        return [Wanted(need.candidates, need.units * quantity) for need in self.needs]


def list_services() -> QuerySet[Service]:
    """Those that can be booked, with durations and needs at hand."""
    rows = Service.objects.filter(retired_at=None).select_related("venue")
    return rows.prefetch_related("durations", "needs")


def list_pools() -> QuerySet[Pool]:
    rows = Pool.objects.filter(retired_at=None).select_related("venue")
    return rows.prefetch_related("resources")


def get_pool_resources(pool_id: int) -> list[int]:
    """The ids of its resources, by id."""
    members = Pool.resources.through.objects.filter(pool=pool_id)
    return list(members.order_by("resource").values_list("resource", flat=True))


def get_service(service_id: int) -> Service:
    """The service with its prices, retired or not."""
    service = Service.objects.prefetch_related("durations").get(pk=service_id)
    service.prices = {row.duration: row.price_minor for row in service.durations.all()}
    return service


def get_price(service: Service, duration: timedelta) -> int:
    """In minor units; refuses `Unfit` for what is no duration of the service."""
    if duration not in service.prices:
        raise errors.Unfit(errors={"duration": ["The service has no such duration."]})
    return service.prices[duration]


def get_service_rules(service_id: int, *, retired: bool = False) -> ServiceRules:
    """All of it, in two statements. Refuses `NotFound`."""
    rows = annotate_now(annotate_rows(Service.objects.select_related("venue"), "venue")).annotate(
        priced=_select(ServiceDuration, "duration", "price_minor"),
        wanted=_select(Need, "pool_id", "quantity"),
    )
    rows = rows.filter(pk=service_id) if retired else rows.filter(pk=service_id, retired_at=None)
    service: Any = rows.first()
    if service is None:
        raise errors.NotFound("There is no such service.")
    keep_rows(service.venue, service)
    service.prices = {_read_duration(row["duration"]): row["price_minor"] for row in service.priced}
    resources = _list_resources(service)
    return ServiceRules(
        service,
        service.now,
        [
            Wanted([r.pk for r in resources if row["pool_id"] in r.pool_ids], row["quantity"])
            for row in service.wanted
        ],
        {each.pk: replace(build_rules(each), service=service) for each in resources},
    )


def _list_resources(service: Any) -> list[Any]:
    """Those of its pools, by id, each with the pools that it is in."""
    members = Pool.resources.through.objects
    of_pools = members.filter(pool__in=[row["pool_id"] for row in service.wanted])
    rows = Resource.objects.filter(retired_at=None, pk__in=of_pools.values("resource"))
    pools = members.filter(resource=OuterRef("pk")).values("pool_id")
    found = list(rows.annotate(pool_ids=ArraySubquery(pools)).order_by("pk"))
    for each in found:
        each.venue, each.now = service.venue, service.now
    return found


def _select(model: type[Any], *columns: str) -> ArraySubquery:
    rows = model.objects.filter(service=OuterRef("pk")).order_by("pk")
    return ArraySubquery(rows.values_list(JSONObject(**{name: name for name in columns})))


def _read_duration(text: str) -> timedelta:
    found = parse_duration(text)
    if found is None:
        raise ValueError(text)
    return found
