"""A trade against everything else that may happen to one of its two bookings.

Each race is run in both orders: whoever comes first holds the locks in an open transaction until
the other is seen waiting for them (or is through, where nothing made it wait), and commits then.
So the outcome is exact, and with a guard removed a case fails every time, not now and then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from api import errors
from api.lifecycle import BOOKING
from api.models import Booking, Trade, User, Venue
from api.services.actors import Actor
from api.services.bookings import trades
from api.services.bookings.actions import cancel_booking
from api.services.bookings.create import create_booking
from api.services.bookings.reschedule import reschedule_booking
from api.services.bookings.sweeps import sweep
from tests.support.kinds import KINDS, Kind, make_kind
from tests.support.rivals import Rival, outcome

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


def one_after_the_other(first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Any]:
    """Both outcomes; the second began while the first was not committed."""
    rival = Rival(second)
    with transaction.atomic():
        done = outcome(first)
        rival.start()
        rival.wait()
    rival.join(20)
    assert not rival.is_alive()
    return done, rival.result


class Case:
    """Two bookings with an offer between them, and what may happen to one of them meanwhile."""

    def __init__(self, people: tuple[User, User, User], kind: Kind, swapped: bool) -> None:
        self.ana, self.ben, self.cleo = people
        self.kind, self.hour = kind, 0
        rows = [self.book(owner) for owner in (self.ana, self.ben)[:: -1 if swapped else 1]]
        self.mine, self.theirs = rows[:: -1 if swapped else 1]
        self.trade = trades.offer_trade(
            requester=self.ana, mine=self.mine.pk, theirs=self.theirs.pk
        )

    def book(self, owner: User) -> Booking:
        start = transaction_now() + 48 * HOUR + self.hour * HOUR
        self.hour += 2
        return create_booking(
            self.kind.request(owner, start, start + HOUR), actor=Actor.for_new_booking(owner)
        )

    def accept(self) -> str:
        return trades.accept_trade(self.trade.pk, self.ben).status

    def cancel(self, booking: Booking) -> str:
        return cancel_booking(booking.pk, Actor.for_booking(booking.owner, booking)).status

    def reschedule(self, booking: Booking) -> str:
        late = booking.starts_at + 200 * HOUR
        actor = Actor.for_booking(booking.owner, booking)
        moved = reschedule_booking(booking.pk, actor, self.kind.move(late, late + HOUR))
        return "moved" if moved.starts_at == late else "kept"

    def release(self, booking: Booking) -> int:
        """The clock finds the booking due at this very moment."""
        free = Booking.objects.filter(pk=booking.pk).select_for_update(
            skip_locked=True, no_key=True
        )
        with transaction.atomic():
            if free.exists():
                Booking.objects.filter(pk=booking.pk).update(no_show_at=Now())
        return sweep(BOOKING.release, "release_no_shows")

    def trade_away(self, booking: Booking) -> str:
        """Another offer on the same booking, made before, is accepted now."""
        return trades.accept_trade(self.other[booking.pk].pk, booking.owner).status

    def prepare(self) -> None:
        hers = self.book(self.cleo)
        self.other = {
            booking.pk: trades.offer_trade(requester=self.cleo, mine=hers.pk, theirs=booking.pk)
            for booking in (self.mine, self.theirs)
        }

    def owners(self) -> tuple[int, int]:
        rows = Booking.objects.in_bulk([self.mine.pk, self.theirs.pk])
        return rows[self.mine.pk].owner_id, rows[self.theirs.pk].owner_id

    def status(self) -> str:
        return Trade.objects.get(pk=self.trade.pk).status


def transaction_now() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT date_trunc('hour', statement_timestamp())")
        return cursor.fetchone()[0]


@pytest.fixture(params=KINDS)
def cases(
    request: pytest.FixtureRequest, person: Callable[..., User]
) -> Callable[[], list[tuple[Case, Booking]]]:
    """Every case: the trade's locks in both orders of ids, the rival on either booking."""
    people = person("ana"), person("ben"), person("cleo")

    def make() -> list[tuple[Case, Booking]]:
        found = []
        for n, (swapped, on) in enumerate(
            [(s, on) for s in (False, True) for on in ("mine", "theirs")]
        ):
            venue = Venue.objects.create(slug=f"club-{n}", name="The Club")
            case = Case(people, make_kind(request.param, venue), swapped)
            case.prepare()
            found.append((case, getattr(case, on)))
        return found

    return make


RIVALS = {
    "cancel": ("cancelled", errors.Forbidden),
    "reschedule": ("moved", errors.Forbidden),
    "release": (1, 0),
    "trade_away": ("accepted", errors.NotAllowedNow),  # withdrawn by the trade that came first
}


@pytest.mark.parametrize("rival", RIVALS)
def test_when_the_trade_comes_first_the_rival_finds_the_booking_in_other_hands(cases, rival):
    """Without the owner in the WHERE of `move_booking` somebody else's booking is cancelled, and
    without `check_owner` in `lock_editable` it is moved. With the owner joined to the query that
    waits in `slots.lock_booking`, reschedule ends in DoesNotExist. Without looking at `open_trades`
    in `trades.accept_trade` the other trade swaps once more."""
    for case, booking in cases():
        act, lost = getattr(case, rival), RIVALS[rival][1]
        assert one_after_the_other(case.accept, lambda a=act, b=booking: a(b)) == (
            "accepted",
            lost,
        )
        assert case.owners() == (case.ben.pk, case.ana.pk)
        assert Booking.objects.get(pk=booking.pk).status == "confirmed"


@pytest.mark.parametrize("rival", RIVALS)
def test_when_the_rival_comes_first_the_trade_is_over_and_nobody_swaps(cases, rival):
    """Either lock is enough, that of the bookings or that of the offers. Without both, or without
    looking at `open_trades`, the trade is accepted over a booking that was cancelled, moved,
    released or traded away."""
    for case, booking in cases():
        before = case.owners()
        act = getattr(case, rival)
        done, lost = one_after_the_other(lambda a=act, b=booking: a(b), case.accept)
        assert (done, lost) == (RIVALS[rival][0], errors.NotAllowedNow)
        assert case.status() == ("withdrawn" if rival == "trade_away" else "offered")
        if rival != "trade_away":
            assert case.owners() == before
            assert sweep(trades.TRADE.lapse, "lapse_trades") >= 1
            assert case.status() == "lapsed"


def test_an_offer_made_while_its_booking_is_cancelled_is_refused(cases):
    """Without the locks of `trades._lock_bookings` the offer stands open on a cancelled booking."""
    for case, booking in cases():
        Trade.objects.all().delete()
        made = one_after_the_other(
            lambda c=case, b=booking: c.cancel(b),
            lambda c=case: trades.offer_trade(requester=c.ana, mine=c.mine.pk, theirs=c.theirs.pk),
        )
        assert made == ("cancelled", errors.TradeRefused)
        assert not Trade.objects.exists()


def test_two_acceptances_of_one_trade_swap_once(cases):
    """Without both locks, or without looking at `open_trades`, the owners are swapped back."""
    for case, _ in cases():
        assert one_after_the_other(case.accept, case.accept) == ("accepted", errors.AlreadyDone)
        assert case.owners() == (case.ben.pk, case.ana.pk)


@pytest.mark.parametrize("rival", ["cancel", "reschedule", "trade_away"])
def test_started_at_once_exactly_one_of_the_two_wins(cases, rival):
    for case, booking in cases():
        start = threading.Barrier(2)

        def at_once(act: Callable[[], Any], start: threading.Barrier = start) -> Any:
            start.wait(10)
            return act()

        act = getattr(case, rival)
        racers = [
            Rival(lambda c=case, go=at_once: go(c.accept)),
            Rival(lambda a=act, b=booking, go=at_once: go(lambda: a(b))),
        ]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join(20)
        won = [r.result in ("accepted", "cancelled", "moved") for r in racers]
        assert sorted(won) == [False, True], [r.result for r in racers]
        if won[0]:
            assert case.owners() == (case.ben.pk, case.ana.pk)
