"""Walks through a running Holdfast by HTTP and says what it saw: `python deploy/smoke.py`.

BASE_URL says where (default: `make up`'s), ADMIN_EMAIL and ADMIN_PASSWORD who may make the venue
`smoke`, MAIL_DIR where its emails land as files (without it, none are looked for), FLOWER_URL where
Flower is. It needs nothing but Python. The rule: it leaves nothing behind that blocks or is due.
"""

import base64
import email
import email.policy
import json
import os
import re
import secrets
import socket
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

PATIENCE = 45.0  # seconds for what workers do by themselves
RIVALS = 8


@dataclass
class Answer:
    status: int
    headers: Any
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Refused(Exception):
    """Something was not as it should be."""


def expect(holds: object, what: object) -> None:
    if not holds:
        raise Refused(str(what)[:2000])


def eventually(happens: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (found := happens()):
        expect(time.monotonic() < deadline, f"{what}: not within {PATIENCE:.0f} s")
        time.sleep(0.3)
    return found


class Person:
    """Somebody who talks to Holdfast, signed in or not."""

    def __init__(self, base: str, token: str = "") -> None:
        self.base, self.token = base.rstrip("/"), token

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        request = urllib.request.Request(urllib.parse.urljoin(f"{self.base}/", path), method=method)
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return Answer(answer.status, answer.headers, answer.read().decode(errors="replace"))
        except urllib.error.HTTPError as refusal:
            with refusal:
                return Answer(
                    refusal.code, refusal.headers, refusal.read().decode(errors="replace")
                )

    def get(self, path: str, status: int = 200) -> Answer:
        return self.checked(status, "GET", path)

    def post(self, path: str, body: Any, status: int = 201) -> Answer:
        return self.checked(status, "POST", path, body)

    def checked(self, status: int, method: str, path: str, body: Any = None) -> Answer:
        answer = self.ask(method, path, body)
        expect(answer.status == status, f"{method} {path}: {answer.status} {answer.text}")
        return answer

    def signed_in(self, address: str, password: str) -> "Person":
        body = {"email": address, "password": password}
        return Person(self.base, self.post("api/v1/auth/login/", body, 200).json["access"])


class Walk:
    """The steps, in this order. Each one's docstring is what it proves."""

    def __init__(self, environment: Any) -> None:
        port = environment.get("PORT") or "8000"
        self.base = environment.get("BASE_URL") or f"http://127.0.0.1:{port}"
        self.admins = (
            environment.get("ADMIN_EMAIL") or "admin@example.com",
            environment.get("ADMIN_PASSWORD") or "holdfast-demo",
        )
        self.mail = environment.get("MAIL_DIR", "")
        self.flower = environment.get("FLOWER_URL", "")
        self.anybody = Person(self.base)
        self.run = secrets.token_hex(4)
        self.address = f"smoke-{self.run}@example.com"
        self.password = secrets.token_urlsafe(16)
        self.starts = datetime.now(UTC).replace(hour=10, minute=0, second=0, microsecond=0)
        self.starts += timedelta(days=3)

    def health(self) -> None:
        """the process, the database and the broker answer"""
        found = eventually(self._health, "health")
        expect(found["status"] == "ok" and found["database"] == "up", found)
        expect(found["broker"] == "up", found)

    def _health(self) -> Any:
        try:
            answer = self.anybody.ask("GET", "health/")
        except OSError:
            return None
        return answer.json if answer.status == 200 else None

    def pages(self) -> None:
        """the admin's sign-in and the docs appear, with their style sheets and scripts"""
        for page in ("admin/login/", "api/v1/docs/"):
            text = self.anybody.get(page).text
            assets = re.findall(r'(?:href|src)="(/static/[^"]+)"', text)
            expect(assets, f"{page} has no assets")
            for asset in assets:
                self.anybody.get(asset)
        self.anybody.get("api/v1/schema/")

    def venue(self) -> None:
        """an admin signs in and makes a venue and a room"""
        self.admin = self.anybody.signed_in(*self.admins)
        rules = {"name": "Smoke", "time_zone": "UTC", "approval": "never", "hold_length": "0:30:00"}
        known = self.anybody.ask("GET", "api/v1/venues/smoke/").status == 200
        if known:
            self.admin.checked(200, "PATCH", "api/v1/venues/smoke/", rules)
        else:
            self.admin.post("api/v1/venues/", {"slug": "smoke", **rules})
        room = {"venue": "smoke", "name": f"Room {self.run}", "capacity": 4}
        self.room = self.admin.post("api/v1/resources/", room).json["id"]

    def person(self) -> None:
        """a stranger registers, signs in, and is no admin"""
        body = {"email": self.address, "password": self.password, "name": "Smoke Walker"}
        self.anybody.post("api/v1/auth/register/", body)
        self.me = self.anybody.signed_in(self.address, self.password)
        expect(self.me.get("api/v1/auth/me/").json["email"] == self.address, "not me")
        self.me.checked(403, "PATCH", "api/v1/venues/smoke/", {"name": "Mine"})
        self.anybody.get("api/v1/auth/me/", 401)

    def _slot(self) -> dict[str, Any]:
        ends = self.starts + timedelta(hours=1)
        return {
            "resource": self.room,
            "starts_at": self.starts.isoformat(),
            "ends_at": ends.isoformat(),
        }

    def book(self) -> None:
        """a booking is made, listed, and has a history"""
        self.booking = self.me.post("api/v1/bookings/", {**self._slot(), "title": "Smoke"}).json
        expect(self.booking["status"] == "confirmed", self.booking)
        listed = self.me.get("api/v1/bookings/").json["results"]
        expect([each["id"] for each in listed] == [self.booking["id"]], listed)
        events = self.me.get(f"api/v1/bookings/{self.booking['id']}/events/").json["results"]
        expect([each["verb"] for each in events] == ["book"], events)

    def conflict(self) -> None:
        """the same slot is refused with 409 and what is free instead"""
        refusal = self.me.post("api/v1/bookings/", self._slot(), 409).json
        expect(refusal["code"] == "slot_taken" and refusal["alternatives"], refusal)

    def cancel(self) -> None:
        """cancelled, the slot is free at once"""
        path = f"api/v1/bookings/{self.booking['id']}/cancel/"
        expect(self.me.post(path, {}, 200).json["status"] == "cancelled", "not cancelled")

    def storm(self) -> None:
        """of eight who want it at once, one gets it"""
        with ThreadPoolExecutor(RIVALS) as pool:
            asked = [
                pool.submit(self.me.ask, "POST", "api/v1/bookings/", self._slot())
                for _ in range(RIVALS)
            ]
            answers = [each.result() for each in asked]
        seen = sorted(each.status for each in answers)
        expect(seen == [201] + [409] * (RIVALS - 1), seen)
        winner = next(each.json for each in answers if each.status == 201)
        self.me.post(f"api/v1/bookings/{winner['id']}/cancel/", {}, 200)

    def hold(self) -> None:
        """an unpaid hold is expired by the worker, and says so in its history"""
        self.admin.checked(200, "PATCH", "api/v1/venues/smoke/", {"hold_length": "0:00:02"})
        self.admin.checked(200, "PATCH", f"api/v1/resources/{self.room}/", {"price_minor": 500})
        path = f"api/v1/bookings/{self.me.post('api/v1/bookings/', self._slot()).json['id']}/"
        expect(self.me.get(path).json["status"] in ("held", "expired"), self.me.get(path).text)
        eventually(lambda: self.me.get(path).json["status"] == "expired", "the hold expires")
        events = self.me.get(f"{path}events/").json["results"]
        expect(sorted(each["verb"] for each in events) == ["book", "expire"], events)

    def clock(self) -> None:
        """no job is late, and a worker and beat are alive"""
        eventually(
            lambda: self.anybody.ask("GET", "health/automation/").status == 200,
            "health/automation/ answers 200",
        )

    def sockets(self) -> None:
        """WebSockets are answered on the same origin"""
        where = urllib.parse.urlsplit(self.base)
        secure = where.scheme == "https"
        port = where.port or (443 if secure else 80)
        with ExitStack() as stack:
            line = stack.enter_context(socket.create_connection((where.hostname, port), 10))
            if secure:
                context = ssl.create_default_context()
                line = stack.enter_context(
                    context.wrap_socket(line, server_hostname=where.hostname)
                )
            head = [
                "GET /api/v1/panels/ws/ HTTP/1.1",
                f"Host: {where.netloc}",
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Version: 13",
                f"Sec-WebSocket-Key: {base64.b64encode(secrets.token_bytes(16)).decode()}",
            ]
            line.sendall("\r\n".join([*head, "", ""]).encode())
            answer = line.recv(12)
        expect(answer == b"HTTP/1.1 101", answer)

    def public(self) -> None:
        """browsers are told to stay with TLS, and what is measured is for those inside"""
        said = self.anybody.get("health/").headers["Strict-Transport-Security"]
        expect("max-age=" in (said or ""), f"Strict-Transport-Security: {said}")
        seen = self.anybody.ask("GET", "metrics").status
        expect(seen in (401, 403, 404), f"/metrics: {seen}")

    def emails(self) -> None:
        """each of these was told to its owner by e-mail"""
        wanted = {
            "Reservation Confirmed",
            "Reservation Cancelled",
            f"Your hold on Room {self.run} has run out",
        }
        eventually(lambda: wanted <= self._subjects(), f"emails {sorted(wanted)}")

    def _subjects(self) -> set[str]:
        """Of the emails in MAIL_DIR that are for the one who walks."""
        found = [_message(path) for path in Path(self.mail).glob(f"*{self.address}*.eml")]
        expect(all(each["To"] == self.address for each in found), "an e-mail for somebody else")
        return {str(each["Subject"]) for each in found}

    def flower_is_shut(self) -> None:
        """Flower asks for a password"""
        expect(Person(self.flower).ask("GET", "").status == 401, "Flower is open")

    def leave(self) -> None:
        """the room is retired and the stranger forgotten"""
        self.admin.checked(204, "DELETE", f"api/v1/resources/{self.room}/")
        self.me.checked(204, "DELETE", "api/v1/auth/me/")
        body = {"email": self.address, "password": self.password}
        expect(self.anybody.ask("POST", "api/v1/auth/login/", body).status == 401, "still known")

    def steps(self) -> list[Callable[[], None]]:
        first = [self.health, self.pages, self.venue, self.person, self.book, self.conflict]
        first += [self.cancel, self.storm, self.hold, self.clock, self.sockets]
        first += [self.public] * self.base.startswith("https:")
        first += [self.emails] * bool(self.mail) + [self.flower_is_shut] * bool(self.flower)
        return [*first, self.leave]


def _message(path: Path) -> EmailMessage:
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


def main() -> int:
    walk = Walk(os.environ)
    print(f"Holdfast at {walk.base}", flush=True)
    for step in walk.steps():
        began = time.monotonic()
        try:
            step()
        except (Refused, OSError, ValueError, LookupError) as error:
            print(f"FAILED  {step.__doc__}\n        {error!r}", flush=True)
            return 1
        print(f"ok {time.monotonic() - began:6.2f} s  {step.__doc__}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
