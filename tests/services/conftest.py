from collections.abc import Callable

import pytest

from api.models import Booking, Resource, User


@pytest.fixture
def book(booked: Callable[..., Booking], ana: User) -> Callable[..., Booking]:
    """A booking of Ana's: `book(bikes, 3)` begins three hours after `soon`."""

    def make(place: Resource, start: float = 0, length: float = 1, **more: object) -> Booking:
        return booked(ana, start, length, place, **more)

    return make
