"""One trace from the request to the e-mail: through the web process, the broker and a worker."""

from __future__ import annotations

import json

import pytest

from api.services.accounts import tokens
from tests.deploy.test_tracing import run, sink, spans
from tests.support.waiting import eventually

__all__ = ["sink"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unbroken")]

BOOKS = """
from backend.wsgi import application
import io, sys, time
token, body = sys.stdin.read().split("\\n")
environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/api/v1/bookings/", "SERVER_NAME": "localhost",
    "SERVER_PORT": "80", "HTTP_HOST": "localhost", "wsgi.url_scheme": "http",
    "HTTP_AUTHORIZATION": f"Bearer {token}", "HTTP_X_REQUEST_ID": "desk-7",
    "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)),
    "wsgi.input": io.BytesIO(body.encode())}
b"".join(application(environ, lambda status, sent: print(status)))
from api.models import Delivery
while Delivery.objects.get().state != "sent":  # the task is published beside the request
    time.sleep(0.05)
"""


@pytest.fixture
def worker_environment(sink):
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": sink[1], "OTEL_BSP_SCHEDULE_DELAY": "100"}


def test_a_booking_its_statements_its_message_and_the_task_are_one_trace(
    clock, sink, ana, court, soon, mail, tmp_path
):
    """The booking itself among them, which is written by a prepared statement."""
    got, where = sink
    body = {"resource": court.pk, "starts_at": soon.isoformat()}
    body["ends_at"] = soon.replace(minute=30).isoformat()
    said = run(
        BOOKS,
        tmp_path / "metrics",
        f"{tokens.issue(ana, 'v1').access}\n{json.dumps(body)}",
        OTEL_EXPORTER_OTLP_ENDPOINT=where,
    )
    assert said == "201 Created\n"

    def joined():
        found = spans(got)
        [request] = [span for span in found if span.get("holdfast.request_id") == "desk-7"]
        mine = [span for span in found if span["trace"] == request["trace"]]
        return {span["name"]: span for span in mine if span["parent"]} | {"request": request}

    found = eventually(lambda: (all_ := joined()).get("run/tasks.emails.deliver_due") and all_)
    message, task = (
        found["apply_async/tasks.emails.deliver_due"],
        found["run/tasks.emails.deliver_due"],
    )
    assert found["request"]["name"] == "POST api/v1/bookings/"
    assert (message["service"], message["parent"]) == ("holdfast-web", found["request"]["id"])
    assert (task["service"], task["parent"]) == ("holdfast-worker", message["id"])
    statements = [span for span in spans(got) if span["trace"] == task["trace"]]
    written = [
        span for span in statements if "INSERT INTO api_booking" in span.get("db.statement", "")
    ]
    assert [span["parent"] for span in written] == [found["request"]["id"]]
    assert task["id"] in {span["parent"] for span in statements if span.get("db.statement")}
