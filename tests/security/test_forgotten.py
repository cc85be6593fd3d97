"""Whoever asks to be forgotten is: proved by looking for them in a dump of the whole database."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from api.models import Booking, BookingEvent, Delivery, JobFailure, Trade, User
from api.services.accounts import passwords, pictures
from api.services.accounts.client_address import use_client_address
from api.services.bookings import trades
from backend.devserver.postgres import find_binaries
from backend.devserver.processes import Owner
from tasks.emails import deliver_due

pytestmark = pytest.mark.django_db(transaction=True)

API, PASSWORD = "/api/v1/", "correct horse 9 battery"
FORMER, PRESENT = "quillfeather.old@example.org", "anastasia@quillfeather.example"
WORDS = {
    "address": PRESENT,
    "former address": FORMER,
    "last name": "Quillfeather",
    "first name": "Anastasia",
    "phone": "555 0199",
    "department": "Ornithology",
    "username": "birdwatcher77",
    "picture": "pictures.example/a77.png",
    "title": "Counting of herons",
    "notes": "Bring the blue folder",
    "message": "Please let me have the dusk",
    "where from": "203.0.113.77",
}


def dump(servers: Any) -> str:
    """All that a backup would hold."""
    parts = settings.DATABASES["default"]
    url = servers.postgres.url(connection.settings_dict["NAME"])
    assert parts["NAME"]
    program = find_binaries(Owner.of(servers.postgres.directory)) / "pg_dump"
    done = subprocess.run(
        [str(program), "--data-only", url], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def found_in(text: str) -> set[str]:
    """What of it is there, each with its table."""
    found, table = set(), ""
    for line in text.lower().splitlines():
        if line.startswith("copy public."):
            table = line.split()[1].removeprefix("public.")
        found |= {f"{name} in {table}" for name, word in WORDS.items() if word.lower() in line}
    return found


def post(client: APIClient, path: str, body: Any, key: str, status: int = 200) -> Any:
    answer = client.post(f"{API}{path}", body, headers={"Idempotency-Key": key})
    assert answer.status_code == status, answer.content
    return answer.json()


@pytest.fixture
def lived(client_of, court, booked, soon, ben, sam, ada):
    """Somebody who has left traces wherever one can."""
    account = {
        "email": FORMER,
        "password": PASSWORD,
        "username": WORDS["username"],
        "first_name": WORDS["first name"],
        "last_name": WORDS["last name"],
        "phone": WORDS["phone"],
        "department": WORDS["department"],
    }
    anyone = APIClient(REMOTE_ADDR=WORDS["where from"])
    post(anyone, "auth/register/", account, "r", 201)
    user = User.objects.get(email=FORMER)
    client = client_of(user)
    own = [book(client, court, soon, hours) for hours in (0, 5, 10)]
    deliver_due()
    moved = {"email": PRESENT, "current_password": PASSWORD}
    assert client.patch(f"{API}auth/me/", moved).status_code == 200
    user.refresh_from_db()
    Token.objects.create(user=user)
    signed = post(anyone, "auth/login/", {"email": PRESENT, "password": PASSWORD}, "l")
    post(anyone, "auth/refresh/", {"refresh": signed["refresh"]}, "f")
    post(client, f"bookings/{own[0]}/cancel/", {"reason": WORDS["message"]}, "c")
    post(client_of(sam), f"bookings/{own[2]}/cancel/", {"reason": "closed"}, "s")
    traded_away(client, user, ben, booked, own[1])
    pictures.update_picture(user, {"profile_picture": f"https://{WORDS['picture']}"})
    passwords.request_password_reset(PRESENT)
    went_wrong(user)
    logged_by(ada, user)
    return user


def book(client: APIClient, court: Any, soon: Any, hours: int) -> int:
    start = soon + timedelta(hours=hours)
    body = {
        "resource": court.pk,
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(hours=1)).isoformat(),
        "title": WORDS["title"],
        "notes": WORDS["notes"],
    }
    with use_client_address(WORDS["where from"]):
        made: int = post(client, "bookings/", body, f"b{hours}", 201)["id"]
    post_notes = client.patch(f"{API}bookings/{made}/", {"notes": WORDS["notes"] + "!"})
    assert post_notes.status_code == 200
    return made


def traded_away(client: APIClient, user: User, ben: User, booked: Any, mine: int) -> None:
    theirs = booked(ben, 30).pk
    offer = {
        "requester_booking": mine,
        "target_booking": theirs,
        "message": WORDS["message"],
    }
    pk = post(client, "trades/", offer, "t", 201)["id"]
    trades.accept_trade(pk, ben)
    assert Booking.objects.get(pk=mine).owner == ben


def went_wrong(user: User) -> None:
    """What providers and jobs say when they fail may name anybody."""
    Delivery.objects.filter(to=PRESENT).update(last_error=f"550 no such user {PRESENT}")
    JobFailure.objects.create(job="deliver_due", row="1", error=f"Refused: {PRESENT}")


def logged_by(ada: User, user: User) -> None:
    """By the admin of Django, which writes down what it showed, and by a session there."""
    kind = ContentType.objects.get_for_model(User)
    LogEntry.objects.log_actions(ada.pk, [user], CHANGE, f"phone {user.phone}", single_object=True)
    assert LogEntry.objects.filter(content_type=kind).exists()
    Client().force_login(user)


def test_a_dump_knows_nothing_of_somebody_forgotten(lived, servers, client_of):
    before = {each.partition(" in ")[0] for each in found_in(dump(servers))}
    assert before == set(WORDS) - {"where from"}  # an address is kept as a mark, never as it is
    assert client_of(lived).delete(f"{API}auth/me/").status_code == 204
    assert found_in(dump(servers)) == set()


def test_what_was_booked_stays_as_numbers(lived, client_of):
    counted = Booking.objects.count(), BookingEvent.objects.count(), Trade.objects.count()
    states = sorted(Booking.objects.exclude(owner=lived).values_list("pk", "status"))
    client_of(lived).delete(f"{API}auth/me/")
    assert Booking.objects.count() == counted[0]
    assert BookingEvent.objects.count() >= counted[1]
    assert Trade.objects.count() == counted[2]
    assert sorted(Booking.objects.exclude(owner=lived).values_list("pk", "status")) == states


def test_others_keep_what_is_theirs(lived, client_of, booked, ben, servers):
    booking = booked(ben, 50, title="Of Ben alone")
    client_of(lived).delete(f"{API}auth/me/")
    booking.refresh_from_db()
    assert booking.title == "Of Ben alone"
    assert Delivery.objects.filter(to=ben.email).exclude(state="withheld").exists()
    assert "Of Ben alone" in dump(servers)
