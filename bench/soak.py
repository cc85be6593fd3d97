"""`python -m bench.soak [MINUTES]`: starts all of Holdfast, books over HTTP whatever can be booked,
blocks it, changes its units, and kills a random one of worker, beat, web and Valkey every few
seconds (`--calm`: none). In the end everything must still be true.

Not a measurement: exits with 1 and says what is wrong.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import psutil
import requests

from backend.devserver import CHECKOUT
from backend.devserver.server import pick_port
from bench.soak_kinds import Offers, Rooms

CLIENTS, ROOMS, EVERY = 6, 12, (3.0, 8.0)
VICTIMS = ("worker", "beat", "backend.web", "valkey-server")
METHODS = {"move": "PATCH", "units": "PATCH", "unblock": "DELETE"}
ADMIN = {"email": "admin@example.com", "password": "holdfast-demo"}


class Soak:
    checkout = CHECKOUT  # of the release that is started
    patience = 20.0  # seconds, with an answer

    def __init__(self, place: Path) -> None:
        self.place, port = place, pick_port()
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
        } | {
            "DATA_DIR": str(place / "data"),
            "PORT": str(port),
            "FLOWER_PORT": str(pick_port()),
            "STRIPE_PORT": str(pick_port()),
            "DEMO": "0",
            "MAX_BOOKING_EMAILS_TO_UNVERIFIED": "1000000",  # its people confirm no address
        }
        self.over = threading.Event()
        self.answers: Counter[str] = Counter()
        self.kills: Counter[str] = Counter()
        self.acknowledged: set[int] = set()
        self.mine: defaultdict[int, list[int]] = defaultdict(list)  # by client
        self.rooms: list[int] = []

    # the system

    def start(self) -> None:
        with (self.place / "up.log").open("wb") as log:
            self.up = subprocess.Popen(
                [sys.executable, "-m", "backend.devserver.up"],
                cwd=self.checkout,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.until(self.healthy, 300)

    def stop(self) -> None:
        self.up.send_signal(signal.SIGTERM)
        self.up.wait(30)

    def until(self, happens: Any, seconds: float) -> float:
        began = time.monotonic()
        while not happens():
            assert self.up.poll() is None, "backend.devserver.up has ended"
            assert time.monotonic() - began < seconds, f"not within {seconds} s"
            time.sleep(0.5)
        return time.monotonic() - began

    def healthy(self) -> bool:
        return self.status("/health/automation/") == 200

    def status(self, path: str) -> int:
        try:
            return requests.get(self.url + path, timeout=5).status_code
        except requests.RequestException:
            return 0

    # what people do

    def prepare(self) -> None:
        admin = self.signed_in(ADMIN)
        for slug, more in (
            ("soak-held", {"hold_length": "00:00:20"}),
            ("soak-free", {}),
        ):
            made = admin.post(
                f"{self.url}/api/v1/venues/", json={"slug": slug, "name": slug} | more
            )
            assert made.status_code == 201, made.text

        def create(what: str, body: dict[str, Any]) -> int:
            made = admin.post(f"{self.url}/api/v1/{what}/", json=body)
            assert made.status_code == 201, made.text
            return int(made.json()["id"])

        for n in range(ROOMS):
            body = {
                "venue": "soak-held" if n % 2 else "soak-free",
                "name": f"Room {n}",
                "capacity": 4,
                "price_minor": 500 if n % 2 else 0,
            }
            self.rooms.append(create("resources", body))
        has_kinds = admin.get(f"{self.url}/api/v1/pools/").ok  # an old release knows rooms alone
        self.offers = Offers(create, self.rooms) if has_kinds else Rooms(self.rooms)
        for n in range(CLIENTS):
            body = {"email": f"soak{n}@example.com", "password": "correct horse 9", "name": "S"}
            made = requests.post(f"{self.url}/api/v1/auth/register/", json=body, timeout=30)
            assert made.status_code == 201, made.text

    def signed_in(self, who: dict[str, str]) -> requests.Session:
        answer = requests.post(f"{self.url}/api/v1/auth/login/", json=who, timeout=30)
        answer.raise_for_status()
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {answer.json()['access']}"
        return session

    def client(self, number: int) -> None:
        who = {"email": f"soak{number}@example.com", "password": "correct horse 9"}
        http, dice = self.signed_in(who), random.Random(number)
        first = self.first
        while not self.over.wait(dice.uniform(0.05, 0.3)):
            # most on two days, so that it is full there
            start = first + timedelta(hours=dice.randrange(dice.choice((40, 40, 24 * 20))))
            made = self.ask(http, "book", "bookings/", self.offers.choose(dice, start))
            mine = self.mine[number]
            if made:
                mine.append(made["id"])
            if mine and dice.random() < 0.3:
                self.ask(http, "cancel", f"bookings/{dice.choice(mine)}/cancel/", {})
            if mine and dice.random() < 0.3:
                start = first + timedelta(hours=dice.randrange(40))
                times = {"starts_at": start, "ends_at": start + timedelta(hours=1)}
                body = {name: at.isoformat() for name, at in times.items()}
                self.ask(http, "move", f"bookings/{dice.choice(mine)}/", body)

    @property
    def first(self) -> datetime:
        return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=2)

    def staff(self) -> None:
        http, dice = self.signed_in(ADMIN), random.Random(0)
        work = self.offers.work(lambda *what: self.ask(http, *what), dice, self.first)
        while not self.over.wait(dice.uniform(0.2, 0.6)):
            next(work)

    def ask(self, http: requests.Session, verb: str, path: str, body: dict[str, Any]) -> Any:
        """What is answered, or None where that is not known."""
        method = METHODS.get(verb, "POST")
        try:
            answer = http.request(
                method, f"{self.address()}/api/v1/{path}", json=body, timeout=self.patience
            )
        except requests.RequestException as error:
            self.answers[f"{verb}: {type(error).__name__}"] += 1
            return None
        self.answers[f"{verb}: {answer.status_code}"] += 1
        if verb == "book" and answer.status_code == 201:
            self.acknowledged.add(answer.json()["id"])
        return answer.json() if answer.ok else None

    def address(self) -> str:
        """Where the next request goes."""
        return self.url

    # what goes wrong

    def kill_one(self) -> None:
        name = random.choice(VICTIMS)
        for child in psutil.Process(self.up.pid).children():
            try:
                words = [child.name(), *child.cmdline()]
            except psutil.Error:
                continue
            if name in words:
                child.kill()
                self.kills[name] += 1
                return

    # what must be true in the end

    def judge(self) -> list[str]:
        took = self.until(self.healthy, 300)
        behind = self.until(lambda: self.lag() < 10, 120)
        print(f"healthy again after {took:.0f} s, lag under 10 s after {behind:.0f} s more")
        check = subprocess.run(
            [sys.executable, "manage.py", "check_invariants"],
            cwd=CHECKOUT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        found = check.stdout.splitlines() if check.returncode else []
        found += [f"answered with {what}" for what in self.answers if what.endswith(": 500")]
        return found + self.lost() + self.mail()

    def lag(self) -> float:
        """Seconds, of the job that is furthest behind."""
        try:
            answer = self.signed_in(ADMIN).get(f"{self.url}/api/v1/automation/", timeout=10)
            return float(max(job["lag"] or 0 for job in answer.json()["jobs"]))
        except (requests.RequestException, KeyError):
            return 1e9

    def lost(self) -> list[str]:
        admin = self.signed_in(ADMIN)
        return [
            f"booking {pk} was acknowledged and is gone"
            for pk in self.acknowledged
            if admin.get(f"{self.url}/api/v1/bookings/{pk}/").status_code != 200
        ]

    def mail(self) -> list[str]:
        """One copy more per death of a worker is allowed, no more."""
        ids = Counter(
            message_from_bytes(file.read_bytes())["Message-ID"]
            for file in (self.place / "data" / "mail").glob("*.eml")
        )
        doubled = sum(many - 1 for many in ids.values())
        print(f"{len(ids)} emails, {doubled} copies more")
        return ["too many copies"] if doubled > self.kills["worker"] else []


def main(minutes: float, calm: bool = False) -> int:
    with tempfile.TemporaryDirectory(prefix="soak") as top:
        soak = Soak(Path(top))
        soak.start()
        try:
            soak.prepare()
            clients = [threading.Thread(target=soak.client, args=[n]) for n in range(CLIENTS)]
            clients.append(threading.Thread(target=soak.staff))
            for each in clients:
                each.start()
            until = time.monotonic() + minutes * 60
            while time.monotonic() < until:
                time.sleep(random.uniform(*EVERY))
                if not calm:
                    soak.kill_one()
            soak.over.set()
            for each in clients:
                each.join()
            print(f"killed {dict(soak.kills)}; answers {dict(sorted(soak.answers.items()))}")
            found = soak.judge()
        except BaseException:
            print((Path(top) / "up.log").read_text()[-5000:])
            raise
        finally:
            soak.over.set()
            soak.stop()
    for sentence in found:
        print(sentence)
    print("Something is wrong." if found else "All is as it must be.")
    return 1 if found else 0


if __name__ == "__main__":
    calm = "--calm" in sys.argv
    numbers = [word for word in sys.argv[1:] if word != "--calm"]
    sys.exit(main(float(numbers[0]) if numbers else 10, calm))
