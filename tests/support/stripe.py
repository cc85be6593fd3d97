"""A pytest plugin: a real local Stripe, a line to it that can be cut, and a customer at the end.

The rule: our own code is never replaced; only the line misbehaves.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stripe as library

from backend.devserver import CHECKOUT
from backend.devserver.server import pick_port
from tests.support.waiting import eventually

GOOD, DECLINED, ASKS = "4242424242424242", "4000000000000341", "4000002500003155"
SECRET, NOBODY = "whsec_of_the_tests", "http://127.0.0.1:9/nobody"


@pytest.fixture(scope="session")
def stripe_port() -> Iterator[int]:
    port = pick_port()
    environment = os.environ | {
        "STRIPE_PORT": str(port),
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "STRIPE_WEBHOOK_URL": NOBODY,
    }
    command = [sys.executable, "-m", "backend.devserver.local_stripe"]
    process = subprocess.Popen(command, cwd=CHECKOUT, env=environment)
    eventually(lambda: _answers(port) or process.poll() is not None)
    assert process.poll() is None
    yield port
    process.terminate()
    process.wait()


def _answers(port: int) -> bool:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        line.request("GET", "/")
        line.getresponse().read()
    except OSError:
        return False
    finally:
        line.close()
    return True


class Line:
    """Between us and Stripe. `faults`: (path contains, method, fault) used once each, in order;
    fault is "lose" (done, but the answer is lost), "refuse" (not done, 500), "break" (so, and again
    for the same idempotency key, as Stripe does) or an Event to wait for before the answer. `calls`
    is what was asked."""

    def __init__(self, port: int) -> None:
        self.faults: list[tuple[str, str, Any]] = []
        self.calls: list[tuple[str, str]] = []
        self.broken: set[str] = set()
        self.down = False
        self.waiting = threading.Event()  # somebody waits for an answer
        line = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                line.carry(self, port)

            do_POST = do_GET

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()

    def fault(self, path: str, method: str) -> Any:
        for index, (part, verb, _) in enumerate(self.faults):
            if part in path and verb == method:
                return self.faults.pop(index)[2]
        return None

    def carry(self, request: BaseHTTPRequestHandler, port: int) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        self.calls.append((request.command, request.path.partition("?")[0]))
        fault = "cut" if self.down else self.fault(request.path, request.command)
        if fault == "cut":
            return self._cut(request)
        key = request.headers.get("Idempotency-Key", "")
        if fault == "break":
            self.broken.add(key)
        if fault == "refuse" or key in self.broken:
            return self._answer(request, 500, b'{"error": {"message": "out of order"}}')
        status, found = self._forward(request, port, body)
        if fault == "lose":
            return self._cut(request)
        if isinstance(fault, threading.Event):
            self.waiting.set()
            fault.wait(30)
        return self._answer(request, status, found)

    def _cut(self, request: BaseHTTPRequestHandler) -> None:
        request.close_connection = True
        request.connection.shutdown(socket.SHUT_RDWR)

    def _forward(self, request: Any, port: int, body: bytes) -> tuple[int, bytes]:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        names = ("Authorization", "Content-Type")
        headers = {name: request.headers[name] for name in names if request.headers[name]}
        line.request(request.command, request.path, body, headers)
        answer = line.getresponse()
        found = answer.read()
        line.close()
        return answer.status, found

    def _answer(self, request: Any, status: int, body: bytes) -> None:
        try:
            request.send_response(status)
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)
        except OSError:
            request.close_connection = True  # the caller has given up

    def asked(self, method: str, part: str) -> int:
        return sum(verb == method and part in path for verb, path in self.calls)


class Customer:
    """What happens at Stripe without us: cards, refunds at the dashboard, signed events."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"

    def call(self, method: str, path: str, **params: Any) -> dict[str, Any]:
        data = urllib.parse.urlencode(params).encode() if method == "POST" else None
        request = urllib.request.Request(f"{self.base}/v1/{path}", data, method=method)
        request.add_header("Authorization", "Bearer sk_test_customer")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)

    def pay(self, intent: str, card: str = GOOD) -> dict[str, Any]:
        """The intent after trying to pay it with that card."""
        year = datetime.now(UTC).year + 3
        method = self.call(
            "POST",
            "payment_methods",
            **{
                "type": "card",
                "card[number]": card,
                "card[exp_month]": 3,
                "card[exp_year]": year,
                "card[cvc]": "333",
            },
        )
        self.call("POST", f"payment_intents/{intent}", payment_method=method["id"])
        self.call("POST", f"payment_intents/{intent}/confirm")
        return self.intent(intent)

    def intent(self, intent: str) -> dict[str, Any]:
        return self.call("GET", f"payment_intents/{intent}")

    def cancel(self, intent: str) -> dict[str, Any]:
        return self.call("POST", f"payment_intents/{intent}/cancel")

    def refunds(self, intent: str) -> list[int]:
        """Amounts that went back, the smallest first."""
        return sorted(self.refunds_by_id(intent).values())

    def refunds_by_id(self, intent: str) -> dict[str, int]:
        found = self.call("GET", f"refunds?payment_intent={intent}&limit=100")["data"]
        return {each["id"]: each["amount"] for each in found if each["status"] != "failed"}

    def refund(self, intent: str, amount: int | None = None) -> dict[str, Any]:
        """A refund as staff make it in Stripe's dashboard, or Stripe's refusal of it."""
        params = {} if amount is None else {"amount": amount}
        return self.call("POST", "refunds", payment_intent=intent, **params)

    def dispute(self, intent: str, **params: Any) -> dict[str, Any]:
        """The customer's bank takes the payment back, or with `status` asks about it."""
        return self.call("POST", "disputes", payment_intent=intent, **params)

    def decide(self, dispute: str, evidence: str) -> dict[str, Any]:
        """A dispute closed by `winning_evidence` or `losing_evidence`."""
        return self.call(
            "POST", f"disputes/{dispute}", **{"evidence[uncategorized_text]": evidence}
        )

    def hook(self, url: str | None) -> None:
        """Has Stripe tell that address of what happens from now on, or nobody."""
        body = json.dumps({"url": url or NOBODY, "secret": SECRET}).encode()
        request = urllib.request.Request(f"{self.base}/_config/webhooks/holdfast", body)
        request.add_header("Content-Type", "application/json")
        urllib.request.urlopen(request, timeout=5).close()

    def event(
        self, what: str, intent: str, event_id: str = "", age: int = 0, **more: Any
    ) -> tuple[bytes, str]:
        """Body and signature of an event about an intent; its signature is `age` seconds old."""
        body = json.dumps(
            {
                "id": event_id or f"evt_{intent[3:]}_{what.rpartition('.')[2]}",
                "object": "event",
                "type": what,
                "created": int(time.time()),
                "data": {"object": {"id": intent, "object": "payment_intent"}},
                **more,
            }
        )
        return body.encode(), self.sign(body, age)

    def sign(self, body: str, age: int = 0, secret: str = SECRET) -> str:
        at = int(time.time()) - age
        return library.WebhookSignature.generate_signature_header(body, secret, at)


def empty_local_stripe(port: int) -> None:
    """Forgets what tests before this one left: of a thousand intents a list takes ten seconds."""
    url = f"http://127.0.0.1:{port}/_config/data"
    urllib.request.urlopen(urllib.request.Request(url, method="DELETE"), timeout=30).close()


@pytest.fixture
def line(stripe_port: int, settings: Any) -> Iterator[Line]:
    empty_local_stripe(stripe_port)
    made = Line(stripe_port)
    settings.STRIPE_API_BASE, settings.STRIPE_WEBHOOK_SECRET = made.url, SECRET
    settings.STRIPE_READ_TIMEOUT = 5.0
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def customer(stripe_port: int, line: Line) -> Customer:
    return Customer(stripe_port)


@pytest.fixture
def for_sale(kind_name: str, transactional_db: None) -> Any:
    """What is held in these tests, in the venue of the paid rooms at 100.00 an hour: a room, or
    something of each kind in a test that is marked `of_every_kind`."""
    from api.services.venues import venues
    from tests.support.kinds import make_kind

    kind = make_kind(kind_name, venues.get_contract_venue("paidrooms"))
    kind.charge(10000)
    return kind


@pytest.fixture
def studio(for_sale: Any) -> Any:
    """The room for six that is held, or the first part of what is."""
    studio = for_sale.first
    studio.name, studio.capacity = "Studio One", 6
    studio.save()
    return studio


@pytest.fixture
def tomorrow() -> datetime:
    """Ten o'clock, three days ahead."""
    on = datetime.now(UTC).date() + timedelta(days=3)
    return datetime.combine(on, clock(10), UTC)


@pytest.fixture
def hold(for_sale: Any, studio: Any, tomorrow: datetime) -> Callable[..., Any]:
    """An hour of the studio held for that person: 100.00 to pay."""
    from api.services.actors import Actor
    from api.services.bookings.create import create_booking

    def make(owner: Any, hours: int = 0) -> Any:
        starts = tomorrow + timedelta(hours=hours)
        request = for_sale.request(owner, starts, starts + timedelta(hours=1))
        return create_booking(
            replace(request, contract="paidrooms"), actor=Actor.for_new_booking(owner)
        )

    return make


@pytest.fixture
def paid_booking(hold: Callable[..., Any], ana: Any, customer: Customer) -> Callable[[], Any]:
    """A booking of 100.00 that is paid, on a day of its own, and its payment."""
    from api.models import Booking
    from api.services.payments import payments, stripe_events

    def make() -> Any:
        booking = hold(ana, 24 * (Booking.objects.count() + 1))
        payment = payments.start_payment(booking.pk)
        customer.pay(payment.intent_id or "")
        event = customer.event("payment_intent.succeeded", payment.intent_id or "")
        stripe_events.store_event(*event)
        stripe_events.process_events()
        payment.refresh_from_db()
        return booking, payment

    return make


@pytest.fixture
def run_out(transactional_db: None) -> Callable[[Any], None]:
    """The deadline of a hold moved into the past; no sweep has run."""
    from django.db.models.functions import Now

    from api.models import Booking

    def move(booking: Any) -> None:
        Booking.objects.filter(pk=booking.pk).update(hold_expires_at=Now() - timedelta(seconds=1))

    return move


@pytest.fixture
def worker(line: Line) -> Callable[[], None]:
    """One round of the worker: the sweep, the calls, the webhooks."""
    from tasks import clock as clock_tasks
    from tasks import payments

    def work() -> None:
        clock_tasks.expire_holds()
        payments.work_stripe_events()
        payments.deliver_calls()

    return work
