"""Which resources may serve a service at a time, as the policy has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from api import errors, policy
from api.queries.venues.services import ServiceRules

from .matching import Wanted, fits


def list_candidates(
    service: ServiceRules,
    starts_at: datetime,
    ends_at: datetime,
    *,
    quantity: int = 1,
    guests: int = 1,
) -> list[Wanted]:
    """The needs of so many bookings, each with those resources that the policy allows then, whoever
    has them. Refuses where these do not do. `guests`: of a unit."""
    needs = service.multiply_needs(quantity)
    units = {pk: rules.resource.units for pk, rules in service.rules.items()}
    if not fits(needs, units):
        if quantity == 1:
            raise errors.ResourceUnavailable(because="switched off")
        raise errors.Unfit(errors={"quantity": ["There are not so many."]})
    refused: dict[int, errors.Refusal] = {}
    for pk, rules in service.rules.items():
        try:
            policy.check_resource(rules, starts_at, ends_at, guests)
        except errors.Refusal as refusal:
            refused[pk] = refusal
    allowed = [
        need._replace(candidates=[pk for pk in need.candidates if pk not in refused])
        for need in needs
    ]
    if not fits(allowed, units):
        raise _pick_refusal(needs, allowed, units, refused)
    policy.check_service_start(service.rules.values(), starts_at)
    return allowed


def _pick_refusal(
    needs: Sequence[Wanted],
    allowed: Sequence[Wanted],
    units: Mapping[int, int],
    refused: Mapping[int, errors.Refusal],
) -> errors.Refusal:
    """Of the first need that has too few left, what refuses most of its resources."""
    short = next((n for n, need in enumerate(allowed) if not fits([need], units)), 0)
    found = [refused[pk] for pk in needs[short].candidates if pk in refused]
    found = found or list(refused.values())
    codes = [refusal.code for refusal in found]
    return max(found, key=lambda refusal: codes.count(refusal.code))
