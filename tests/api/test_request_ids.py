"""A request has a name, and what it causes is called by it: answer, log, outbox, e-mail, task."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import structlog
from django.core import mail
from structlog.testing import capture_logs

from api.models import Delivery
from api.models.outbox import Kind
from api.services.messages import mailer, outbox
from backend.celery import app
from tasks import enqueue

URL = "/api/v1/bookings/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def order(court, soon):
    return {
        "resource": court.pk,
        "starts_at": soon.isoformat(),
        "ends_at": (soon + timedelta(hours=1)).isoformat(),
    }


def test_a_request_without_an_id_gets_one_in_its_response(client_of):
    names = {client_of().get("/health/")["X-Request-ID"] for _ in range(3)}
    assert len(names) == 3
    assert all(re.fullmatch(r"[0-9a-f]{32}", name) for name in names)


@pytest.mark.parametrize("path", ["/api/v1/venues/", "/api/v1/nowhere/", "/admin/"])
def test_a_request_keeps_the_name_it_came_with_whatever_the_answer(client_of, path):
    assert client_of().get(path, HTTP_X_REQUEST_ID="edge-7")["X-Request-ID"] == "edge-7"


@pytest.mark.parametrize("name", ["a b", "x" * 65, 'x"y', "é", "a\tb", "{}"])
def test_a_name_that_is_not_fit_for_a_log_is_replaced(client_of, name):
    answer = client_of().get("/api/v1/venues/", HTTP_X_REQUEST_ID=name)
    assert re.fullmatch(r"[0-9a-f]{32}", answer["X-Request-ID"])


def test_the_outbox_and_the_email_carry_the_name(client_of, ana, order, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    answer = client_of(ana).post(URL, order, HTTP_X_REQUEST_ID="edge-7")
    assert answer.status_code == 201
    assert Delivery.objects.get().request_id == "edge-7"
    [row] = Delivery.objects.select_related("booking")
    message = mailer.compose(row, row.booking)
    assert message.extra_headers["X-Request-ID"] == "edge-7"
    assert mail.outbox == []


def test_nothing_of_a_request_is_left_in_its_thread(client_of, ana, order):
    client_of(ana).post(URL, order, HTTP_X_REQUEST_ID="edge-7")
    assert "request_id" not in structlog.contextvars.get_contextvars()


def test_a_line_about_a_delivery_names_the_request_that_caused_it(client_of, ana, order):
    client_of(ana).post(URL, order, HTTP_X_REQUEST_ID="edge-7")
    with capture_logs() as lines:
        [row] = outbox.QUEUE.claim(kind=Kind.EMAIL)
        outbox.QUEUE.record(row, OSError("no route"))
    assert lines == [
        {
            "event": "delivery_failed",
            "log_level": "warning",
            "key": row.key,
            "kind": "email",
            "request_id": "edge-7",
            "attempt": 1,
            "error": "OSError: no route",
        }
    ]


def test_what_the_clock_causes_is_named_by_its_task(booked, ana):
    with structlog.contextvars.bound_contextvars(task_id="3f0c"):
        booked(ana)
    assert Delivery.objects.get().request_id == "3f0c"


@pytest.mark.parametrize(("level", "lines"), [("WARNING", 0), ("INFO", 1)])
def test_a_request_is_a_line_without_its_query_and_only_where_it_is_asked_for(
    client_of, caplog, level, lines
):
    caplog.set_level(level, "django_structlog.middlewares")
    client_of().get("/api/v1/venues/?secret=1", HTTP_X_REQUEST_ID="edge-7")
    written = [record.msg for record in caplog.records]
    assert len(written) == lines
    for line in written:
        assert line["event"] == "request_finished"
        assert (line["request"], line["code"]) == ("GET /api/v1/venues/", 200)
        assert line["request_id"] == "edge-7"


@pytest.mark.django_db(transaction=True)
def test_the_message_to_the_worker_carries_the_name_of_the_first_who_asked(client_of, ana, order):
    app.control.purge()
    client_of(ana).post(URL, order, HTTP_X_REQUEST_ID="edge-7")
    with app.connection_for_read() as broker:
        queue = broker.SimpleQueue("emails")
        message = queue.get(timeout=10)
        while message.headers["__django_structlog__"] != {"request_id": "edge-7"}:
            message = queue.get(timeout=10)  # that one was of a test before
        app.control.purge()
        queue.close()
    assert message.headers["task"] == "tasks.emails.deliver_due"
    assert enqueue.publisher.pending == {}
