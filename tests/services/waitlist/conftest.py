from __future__ import annotations

import pytest

from api.services.waitlist.entries import WaitlistRequest, join_waitlist

from .lines import HOUR


@pytest.fixture
def waits(court, soon):
    """`waits(ana)` waits for the hour at `soon` of the court."""

    def make(owner, hours=0, window=1, length=HOUR, **what):
        what = what or {"resource": court.pk}
        start = soon + hours * HOUR
        request = WaitlistRequest(owner, start, start + window * HOUR, duration=length, **what)
        return join_waitlist(request)

    return make


@pytest.fixture
def people(person):
    return [person(name) for name in ("cleo", "dan", "eve", "fay")]
