"""What finding the way at the bare root costs: the same request at the prefix and at the root.

In turn, through the whole WSGI application in one process and thread. The goal is under 3 % of the
CPU time of a request.
"""

from __future__ import annotations

import io
import itertools
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rest_framework.authtoken.models import Token

from api.models import Resource, User
from api.services.accounts import tokens
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking
from api.services.venues import venues

ROUNDS = 600
WARM = 30


@dataclass(frozen=True)
class Asked:
    """`paths` below `/api/`, used in turn, so that ids differ as they do in life."""

    what: str
    contract: str
    paths: tuple[str, ...]
    authorization: str = ""
    method: str = "GET"
    body: bytes = b""
    status: int = 200


def run() -> list[tuple[str, str]]:
    """(what, figure); needs the database."""
    from django.core.wsgi import get_wsgi_application

    application = get_wsgi_application()
    figures: list[tuple[str, str]] = []
    sums = Spent(0, 0), Spent(0, 0)
    for asked in requests():
        whole, extra = measure(application, asked)
        sums = sums[0] + whole, sums[1] + extra
        figures.append((f"dispatch: {asked.what}", _figure(whole, extra)))
    return [*figures, ("dispatch: all of these, goal under 3 % of CPU", _figure(*sums))]


@dataclass(frozen=True)
class Spent:
    """Microseconds."""

    cpu: float
    wall: float

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.cpu + other.cpu, self.wall + other.wall)


def _figure(whole: Spent, extra: Spent) -> str:
    cpu = f"{extra.cpu / whole.cpu:+.1%} CPU ({extra.cpu:+.0f} of {whole.cpu:.0f} µs)"
    return f"{cpu}, {extra.wall / whole.wall:+.1%} wall"


def measure(application: Any, asked: Asked) -> tuple[Spent, Spent]:
    """What a request at the prefix takes, and the root more than that: the medians of the first
    and of the differences of neighbours, which the noise of a busy machine hits alike."""
    paths = itertools.cycle(asked.paths)
    doors = (f"/{asked.contract}/api/", "/api/")
    pairs = []
    for number in range(ROUNDS + WARM):
        path, took = next(paths), {}
        for door in doors if number % 2 else reversed(doors):
            environ = environment(asked, door + path)
            cpu, wall = time.process_time_ns(), time.perf_counter_ns()
            status = call(application, environ)
            cpu, wall = time.process_time_ns() - cpu, time.perf_counter_ns() - wall
            assert status == asked.status, (door, path, status)
            took[door] = Spent(cpu / 1e3, wall / 1e3)
        pairs.append((took[doors[0]], took[doors[1]]))
    pairs = pairs[WARM:]

    def middle(what: Callable[[Spent, Spent], float]) -> float:
        return statistics.median(what(prefix, root) for prefix, root in pairs)

    whole = Spent(middle(lambda prefix, _: prefix.cpu), middle(lambda prefix, _: prefix.wall))
    extra = Spent(middle(lambda p, root: root.cpu - p.cpu), middle(lambda p, r: r.wall - p.wall))
    return whole, extra


def environment(asked: Asked, path: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": asked.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(asked.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(asked.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **({"HTTP_AUTHORIZATION": asked.authorization} if asked.authorization else {}),
    }


def call(application: Any, environ: dict[str, Any]) -> int:
    """The status; the body is read to its end."""
    statuses: list[int] = []

    def start(status: str, headers: object, exc_info: object = None) -> None:
        statuses.append(int(status[:3]))

    answer = application(environ, start)
    try:
        for _ in answer:
            pass
    finally:
        answer.close()
    return statuses[0]


def requests() -> Iterator[Asked]:
    """The shapes of a decision: a claim, a scheme, a rule, a body, the only one who knows."""
    owner = _owner()
    rows = _ten_of("barbershop", owner)
    things = _ten_of("resources", owner)
    _ten_of("paidrooms", owner)

    def bearer(contract: str) -> str:
        return f"Bearer {tokens.issue(owner, contract).access}"

    token = f"Token {Token.objects.get_or_create(user=owner)[0].key}"
    shop = bearer("barbershop")
    yield Asked("a list, by the claim of a token", "barbershop", ("reservations/",), shop)
    one = tuple(f"reservations/{pk}/" for pk in rows)
    yield Asked("one row, by the claim of a token", "barbershop", one, shop)
    thing = tuple(f"bookings/{pk}/" for pk in things)
    yield Asked("one row, by the scheme", "resources", thing, token)
    yield Asked("a public list, by the rule", "paidrooms", ("rooms/",))
    yield Asked(
        "a refused booking, by the body",
        "paidrooms",
        ("bookings/",),
        method="POST",
        body=json.dumps({"room_id": 1}).encode(),
        status=401,
    )
    yield Asked("who I am, by the only path", "primetime", ("users/me/",), bearer("primetime"))


def _owner() -> User:
    owner, _ = User.objects.get_or_create(email="bench-dispatch@example.com")
    return owner


def _ten_of(contract: str, owner: User) -> list[int]:
    """Ids of ten bookings in the contract's venue."""
    venue = venues.get_contract_venue(contract)
    place = Resource.objects.create(venue=venue, name=f"Bench {contract}", price_minor=0)
    day = datetime.now(UTC).replace(hour=10, minute=0, second=0, microsecond=0)
    starts = [day + timedelta(days=2 + n) for n in range(10)]
    return [
        create_booking(
            BookingRequest(
                owner=owner, resource=place.pk, starts_at=at, ends_at=at + timedelta(hours=1)
            ),
            actor=Actor.for_new_booking(owner),
        ).pk
        for at in starts
    ]
