"""Logs, errors and emails tell no secret: everything is logged while people come and go, and then
looked through."""

from __future__ import annotations

import io
import logging
import logging.config
from datetime import timedelta
from typing import Any

import pytest
import structlog
from django.conf import settings
from django.core import mail
from django.test import Client
from rest_framework.test import APIClient

from api.models import Booking, Delivery
from api.services.accounts import tokens
from api.services.accounts.links import build_guest_token
from api.services.panels import panels
from backend.log_redaction import redact_secrets
from tasks.emails import deliver_due

pytestmark = pytest.mark.django_db(transaction=True)

API, PASSWORD, NEW = "/api/v1/", "correct horse 9 battery", "another horse 8 lamp"


@pytest.fixture
def written():
    """All that any logger writes, at every level, as it would stand in the log."""
    formatter = logging.config.DictConfigurator(dict(settings.LOGGING)).configure_formatter(
        dict(settings.LOGGING["formatters"]["structured"])
    )
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(formatter)
    root, before = logging.getLogger(), logging.getLogger().level
    names = ("holdfast", "django_structlog.middlewares", "django")
    named = [logging.getLogger(name) for name in names]
    levels = [each.level for each in named]
    root.addHandler(handler)
    for each in (root, *named):
        each.setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    root.setLevel(before)
    for each, level in zip(named, levels, strict=True):
        each.setLevel(level)


def test_a_walk_through_everything_leaves_no_secret_in_the_log(
    written, client_of, court, sam, ana, settings
):
    secrets = [PASSWORD, NEW, "wrong horse 77", settings.SECRET_KEY, settings.JWT_ACCESS_SECRET]
    anyone = APIClient()
    anyone.post(f"{API}auth/login/", {"email": ana.email, "password": "wrong horse 77"})
    pair = anyone.post(f"{API}auth/login/", {"email": ana.email, "password": PASSWORD}).json()
    secrets += [pair["access"], pair["refresh"]]
    again = anyone.post(f"{API}auth/refresh/", {"refresh": pair["refresh"]}).json()
    secrets += [again["access"], again["refresh"]]
    anyone.post(f"{API}auth/refresh/", {"refresh": pair["refresh"]})
    door = panels.create(court, "Door", sam)
    secrets += [door.token, door.code]
    anyone.post(f"{API}panels/pair/", {"code": "000000"})
    APIClient(HTTP_AUTHORIZATION=f"Panel {door.token}").get(f"{API}panels/state/")
    body = {"current_password": PASSWORD, "new_password": NEW}
    client_of(ana).post(f"{API}auth/password/", body)
    anyone.post(f"{API}auth/password/reset/", {"email": ana.email})
    deliver_due()
    secrets += [mail.outbox[-1].body.partition("/password-reset/")[2].split()[0].rpartition("/")[2]]
    anyone.post(f"{API}webhooks/stripe/", {}, headers={"Stripe-Signature": "t=1,v1=forged00"})
    Client().post("/admin/login/", {"username": ana.email, "password": "wrong horse 77"})
    text = written.getvalue()
    assert len(text.splitlines()) > 10  # it was heard
    assert [secret for secret in secrets if secret in text] == []
    assert ana.email not in text


def test_the_link_of_a_guest_stands_in_no_log(written, court, soon):
    times = {"starts_at": soon.isoformat(), "ends_at": (soon + timedelta(hours=1)).isoformat()}
    person = {"name": "Gus", "email": "gus@example.com"}
    anyone = APIClient()
    anyone.post(f"{API}guests/bookings/", {"resource": court.pk} | times | person)
    deliver_due()
    _, link, signature = token = build_guest_token(Booking.objects.get()).split(".")
    path = ".".join(token)
    assert path in mail.outbox[-1].body
    for client in (anyone, Client()):
        client.get(f"/guests/{path}/")
        client.post(f"/guests/{path}/", {"action": "confirm"})
        client.get(f"/guests/{path}x/")
    for verb in ("", "confirm/", "move/", "payment/", "cancel/", "nothing/"):
        anyone.post(f"{API}guests/{path}/{verb}")
    text = written.getvalue()
    assert text.count("/guests/[hidden]/") > 5
    for secret in (link, signature, "gus@example.com"):
        assert secret not in text


def test_what_a_provider_says_of_a_person_is_hidden(written, booked, ana, settings):
    """SMTP names the address that it refuses; the row keeps it for the desk, the log does not."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    booked(ana)
    deliver_due()
    assert Delivery.objects.get().last_error
    log = structlog.get_logger("holdfast.outbox")
    log.warning("delivery_failed", error=f"SMTPRecipientsRefused: {{'{ana.email}': (550, b'no')}}")
    assert "delivery_failed" in written.getvalue()
    assert ana.email not in written.getvalue()


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjoxfQ.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "secret",
    [
        "hunter2hunter2",
        JWT,
        f"Bearer {JWT}",
        "Token 9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b",
        "hfp_Zm9vYmFyYmF6cXV4",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "whsec_abcdef123456",
        "pi_1abc_secret_2def",
        "postgres://holdfast:pa55word@db:5432/holdfast",
        "/ws/?token=abcdefghij",
        "/guests/12.Zk3vAbcdefghijklmnopqr.x9Qa/",
        "https://book.example/api/v1/guests/12.Zk3vAbcdefghijklmnopqr.x9Qa/confirm/",
        "ana@example.com",
    ],
)
@pytest.mark.parametrize("wrap", [str, lambda s: [s], lambda s: {"deep": {"deeper": s}}, Exception])
def test_a_secret_is_hidden_wherever_it_stands(secret, wrap):
    processor = redact_secrets(["hunter2hunter2"])
    shown = str(processor(None, "", {"event": "it happened", "detail": wrap(f"so: {secret}!")}))
    for part in (
        "hunter2",
        "eyJ",
        "9944b",
        "hfp_Z",
        "4eC39",
        "abcdef",
        "_secret_2",
        "pa55",
        "ana@",
        "Zk3v",
    ):
        assert part not in shown
    assert "it happened" in shown


def test_by_its_name_too():
    event = {"event": "x", "password": "abc", "api_key": "k", "nested": {"set-cookie": "c=1"}}
    assert redact_secrets([])(None, "", event) == {
        "event": "x",
        "password": "[hidden]",
        "api_key": "[hidden]",
        "nested": {"set-cookie": "[hidden]"},
    }


def test_what_is_no_secret_is_left_as_it_is():
    event = {"event": "job_ran", "job": "expire_holds", "count": 3, "seconds": 0.1, "none": None}
    assert redact_secrets([])(None, "", dict(event)) == event


def fails(*_: Any, **__: Any) -> None:
    raise RuntimeError(f"the password is {PASSWORD} and the key is {settings.SECRET_KEY}")


def test_an_error_tells_the_client_nothing_and_the_log_no_secret(written, monkeypatch, client_of):
    """Whatever a bug may say: the view of the health is made to fail, as nothing else can."""
    monkeypatch.setattr("backend.health.HealthView.get", fails)
    client = APIClient(raise_request_exception=False)
    answer = client.get("/health/")
    assert answer.status_code == 500
    assert answer.json() == {
        "type": "about:blank",
        "title": "Internal error",
        "status": 500,
        "code": "internal_error",
        "detail": "Something went wrong on our side.",
    }
    assert "RuntimeError" in written.getvalue()
    assert settings.SECRET_KEY not in written.getvalue()


def test_an_email_holds_no_password_and_no_key(booked, ana, client_of):
    booked(ana)
    APIClient().post(f"{API}auth/password/reset/", {"email": ana.email})
    deliver_due()
    pair = tokens.issue(ana)
    assert len(mail.outbox) == 2
    for message in mail.outbox:
        text = message.message().as_string()
        for secret in (PASSWORD, ana.password, settings.SECRET_KEY, pair.access):
            assert secret not in text
