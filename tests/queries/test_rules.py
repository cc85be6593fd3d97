"""The kept rules are never older than the database's."""

from datetime import date, time

import pytest

from api import errors
from api.models import Closure, PrimetimeWindow, Resource
from api.queries.venues import rules

pytestmark = pytest.mark.django_db


def test_what_is_kept_costs_one_statement(court, django_assert_num_queries):
    rules._CACHED.pop(court.pk, None)  # another test may have had a resource of this id
    with django_assert_num_queries(1):
        first, _ = rules.get_rules(court.pk)
    with django_assert_num_queries(1):
        again, now = rules.get_rules(court.pk)
    assert again is first
    assert now.tzinfo is not None


def test_every_change_of_what_the_policy_reads_is_seen_at_once(court, venue):
    """Fails without any one of the triggers of migration 0002."""
    assert rules.get_rules(court.pk)[0].primetime == []
    window = PrimetimeWindow.objects.create(
        venue=venue, weekday=2, starts_at=time(17), ends_at=time(19)
    )
    (kept,) = rules.get_rules(court.pk)[0].primetime
    assert (kept.pk, kept.weekday, kept.starts_at, kept.is_active) == (window.pk, 2, time(17), True)
    PrimetimeWindow.objects.filter(pk=window.pk).update(is_active=False)
    assert not rules.get_rules(court.pk)[0].primetime[0].is_active
    window.delete()
    assert rules.get_rules(court.pk)[0].primetime == []
    Closure.objects.create(venue=venue, first_on=date(2030, 1, 1), last_on=date(2030, 1, 2))
    assert rules.get_rules(court.pk)[0].exceptions[0].last_on == date(2030, 1, 2)
    venue.opens_at = time(8)
    venue.save()
    assert rules.get_rules(court.pk)[0].venue.opens_at == time(8)
    Resource.objects.filter(pk=court.pk).update(maintenance=True)
    assert not rules.get_rules(court.pk)[0].resource.bookable


def test_a_retired_or_unknown_resource_is_not_found(court):
    rules.get_rules(court.pk)
    Resource.objects.filter(pk=court.pk).update(retired_at="2020-01-01T00:00:00Z")
    for pk in (court.pk, 2**40):
        with pytest.raises(errors.NotFound):
            rules.get_rules(pk)
