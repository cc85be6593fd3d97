"""Who may do what: every route and method of every door, really called by each kind of caller, also
those who have their role in another venue, and equal to what docs/permissions.md says. After a
change that is meant, and after reading its lines:
`PERMISSIONS=write python -m pytest tests/security/test_matrix.py`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import datetime
from itertools import takewhile
from typing import Any

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import Client
from rest_framework.test import APIClient

from api.models import Booking, Membership, Role, Trade, User, Venue
from backend.devserver import CHECKOUT
from tests.conftest import add_member

from .faces import COOKIE, FACES
from .routes import routes
from .world import Face, World

pytestmark = pytest.mark.django_db

PAGE = CHECKOUT / "docs" / "permissions.md"
# people by their name in `World`; who comes with something else is added in `callers`
PEOPLE = (
    *("customer", "customer_elsewhere", "owner", "staff", "staff_elsewhere"),
    *("admin", "admin_elsewhere", "operator"),
)
ELSEWHERE = ("customer_elsewhere", "staff_elsewhere", "admin_elsewhere")
KEYS = ("read_key", "book_key", "manage_key")  # of the venue that is asked about
CALLERS = ("anonymous", *PEOPLE, "panel", *KEYS)
WHO = ("anastasia@example.org", "Anastasia", "Quillfeather", "555 0199")
WHAT = ("Quiet plans", "Bring the blue folder")


@pytest.fixture
def world(person: Any, soon: datetime) -> World:
    def somebody(name: str, role: str = Role.CUSTOMER, operator: bool = False) -> User:
        made: User = person(name, role, username=name, is_superuser=operator)
        return made

    def from_elsewhere(name: str, role: str) -> User:
        made = somebody(name, role="")
        add_member(made, elsewhere, role)
        return made

    elsewhere = Venue.objects.create(slug="elsewhere", name="Elsewhere")
    owner = somebody("anastasia")
    owner.email, owner.last_name, owner.phone = WHO[0], WHO[2], WHO[3]
    owner.save()
    here = World(
        owner=owner,
        customer=somebody("ben"),
        asked=somebody("cleo"),
        staff=somebody("sam", Role.STAFF),
        admin=somebody("ada", Role.ADMIN),
        operator=somebody("opal", role="", operator=True),
        customer_elsewhere=from_elsewhere("carl", Role.CUSTOMER),
        staff_elsewhere=from_elsewhere("stella", Role.STAFF),
        admin_elsewhere=from_elsewhere("alma", Role.ADMIN),
        soon=soon,
    )
    theirs = Membership.objects.filter(venue=elsewhere)
    theirs.exclude(user__in=[getattr(here, name) for name in ELSEWHERE]).delete()
    return here


def callers(face: Face, world: World) -> dict[str, APIClient]:
    """A panel comes with its token, at doors that know none with a token all the same."""
    panel = APIClient()
    token = world.made.get("panel", "hfp_nobody")
    panel.credentials(HTTP_AUTHORIZATION=f"Panel {token}", HTTP_X_DEVICE_TOKEN=token)
    clients = {"anonymous": face.client(None)}
    clients |= {name: face.client(getattr(world, name)) for name in PEOPLE}
    clients |= {"panel": panel, **{name: APIClient() for name in KEYS}}
    for name in KEYS:
        secret = world.made.get(name, "hfk_nobody")
        clients[name].credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    for client in clients.values():
        client.cookies[COOKIE] = world.refresh(face.name)
    return clients


def owned(world: World) -> Any:
    """All that is the owner's."""
    mine = ("title", "notes", "status", "owner_id", "starts_at", "ends_at", "version")
    yield list(Booking.objects.filter(owner=world.owner).order_by("pk").values_list("pk", *mine))
    yield list(User.objects.filter(pk=world.owner.pk).values())
    yield list(Trade.objects.order_by("pk").values_list("pk", "status"))


def powerful() -> set[Any]:
    """Who is more than a customer, and where."""
    roles = Membership.objects.exclude(role=Role.CUSTOMER)
    operators = User.objects.filter(is_superuser=True).values_list("pk")
    return {*roles.values_list("user", "venue", "role"), *operators}


def told(answer: Any) -> str:
    """The status, and whether the answer tells who the owner is or what they plan."""
    text = answer.content.decode(errors="replace") if answer.status_code < 400 else ""
    tells = [
        name
        for name, words in (("who", WHO), ("what", WHAT))
        if any(word in text for word in words)
    ]
    return " ".join([str(answer.status_code), *tells])


class Undone(Exception):
    """Takes back what a call did."""


def ask(client: APIClient, method: str, path: str, body: Any, changed: Callable[[], bool]) -> str:
    """What came of it: the status, what it told, and whether it changed what is the owner's."""
    cell = ""
    try:
        with transaction.atomic():
            cell = told(client.generic(method, path, _json(client, method, body)[0], JSON))
            if method != "GET" and int(cell.split()[0]) < 300 and changed():
                cell += " changes"
            raise Undone
    except Undone:
        return cell


JSON = "application/json"


def _json(client: APIClient, method: str, body: Any) -> Any:
    return (b"", None) if method == "GET" else client._encode_data(dict(body or {}), "json")


def line(method: str, route: str, cells: list[str]) -> str:
    return f"| {' | '.join([method, f'`{route}`', *cells])} |"


def measured(face: Face, world: World) -> list[str]:
    clients = callers(face, world)
    before, powers, found = list(owned(world)), powerful(), []

    def changed() -> bool:
        return list(owned(world)) != before or bool(powerful() - powers)

    for route, methods in routes(face.prefix):
        for method in methods:
            body, path = face.bodies.get((method, route)), face.path(route)
            assert "{" not in path, f"nothing stands in for {route}"
            cells = [ask(client, method, path, body, changed) for client in clients.values()]
            found.append(line(method, route, cells))
    return found


NAMES = [name.replace("_", " ") for name in CALLERS]
HEAD = [line("method", "path", NAMES).replace("`", ""), "|---" * (len(CALLERS) + 2) + "|"]


def parts(name: str) -> tuple[str, list[str], str]:
    """The page before the table of this door, the table, and what comes after it."""
    before, mark, after = PAGE.read_text().partition(f"<!-- measured: {name} -->\n")
    assert mark, f"the page has no place for {name}"
    lines = list(takewhile(lambda each: each.startswith("|"), after.splitlines(keepends=True)))
    return before + mark, [each.rstrip("\n") for each in lines], after[len("".join(lines)) :]


def write(name: str, lines: list[str]) -> None:
    before, _, after = parts(name)
    PAGE.write_text(before + "".join(f"{each}\n" for each in [*HEAD, *lines]) + after)


def agrees(name: str, lines: list[str]) -> None:
    if os.environ.get("PERMISSIONS") == "write":
        write(name, lines)
    assert lines == parts(name)[1][2:]


@pytest.mark.parametrize("name", FACES)
def test_the_page_says_who_may_do_what(name, world):
    lines = measured(FACES[name](world), world)
    assert not [each for each in lines if re.search(r"\| 5\d\d", each)]
    agrees(name, lines)


ADMIN = ("changelist", "add", "change", "delete")


def test_the_page_says_who_may_enter_the_admin(world):
    """Each page of it for every kind of row, asked with a session."""
    FACES["v1"](world)
    clients: dict[str, Any] = {caller: Client() for caller in CALLERS}
    for caller in PEOPLE:
        clients[caller].force_login(getattr(world, caller))
    clients["panel"].defaults["HTTP_AUTHORIZATION"] = f"Panel {world.made['panel']}"
    pages = ["", "automation/"]
    for model in sorted(admin.site._registry, key=lambda each: each._meta.label_lower):
        place = model._meta.label_lower.replace(".", "/")
        row = model._default_manager.order_by("pk").values_list("pk", flat=True).first()
        pages += [f"{place}/", f"{place}/add/"]
        pages += [f"{place}/{row}/change/", f"{place}/{row}/delete/"] if row else []
    found = []
    for page in pages:
        cells = [str(clients[c].get(f"/admin/{page}").status_code) for c in CALLERS]
        found.append(line("GET", re.sub(r"/\d+/", "/{}/", page) or "./", cells))
    agrees("admin", found)


@pytest.mark.parametrize("name", FACES)
def test_nobody_of_another_venue_is_told_who_or_what(name):
    """Read from the page."""
    told_elsewhere = [
        (method, route, caller, cell)
        for method, route, *cells in (
            [part.strip() for part in each.split("|")[1:-1]] for each in parts(name)[1][2:]
        )
        for caller, cell in zip(CALLERS, cells, strict=True)
        if caller in ELSEWHERE and ("who" in cell or "what" in cell)
    ]
    assert told_elsewhere == []


def test_nobody_but_staff_changes_what_is_somebody_elses():
    """Read from the page: a stranger, a panel or nobody, at any door; keys are staff. A meeting
    is an exception by its contract: whoever stands at the door may check in."""
    lines = [
        each.split("|")[1:-1]
        for each in PAGE.read_text().splitlines()
        if re.search(r"changes.*\|", each)
    ]
    foreign = {
        (cells[0].strip(), cells[1].strip(" `"))
        for cells in lines
        for caller, cell in zip(CALLERS, cells[2:], strict=True)
        if "changes" in cell and caller not in ("owner", "staff", "admin", "operator", *KEYS)
    }
    assert foreign == {
        ("POST", "bookings/{}/checkin"),
        ("POST", "panel/meetings/{}/checkin"),
        ("POST", "meetings/{}/checkin"),
        ("POST", "panels/check-in/"),
    }
