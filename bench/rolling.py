"""`python -m bench.rolling [MINUTES] [--old REF]`: starts all of Holdfast, books over HTTP without
a pause, and replaces one process after another as a deployment does: web by HUP, so that new
processes take over from old ones; worker and beat by TERM. No request may fail, no e-mail
may be lost or doubled.

With `--old` it begins with the release of that commit. Under its load this one comes up beside it
and migrates; from then on every process runs twice, old and new on the new schema, requests go to
either, and those of both are replaced in turn.

Not a measurement: exits with 1 and says what is wrong. An answer may be slow here, not wrong.
"""

from __future__ import annotations

import argparse
import itertools
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil
import psycopg
import requests

from backend.devserver import CHECKOUT

from .restore import Drill
from .soak import Soak

# a word of the command line -> how it is replaced
STEPS = {
    "backend.web": signal.SIGHUP,
    "worker": signal.SIGTERM,
    "beat": signal.SIGTERM,
}
EVERY = 5.0  # seconds, and until web answers again
READY = 300.0  # seconds
SLOW = 60  # seconds that a request may take on a busy machine
CALM = {"WEB_GRACEFUL_SECONDS": str(SLOW)}
FINE = ("200", "201", "404", "409")  # somebody else's, or taken: answers, not failures


class Beside(Soak):
    """A release that runs on the servers of another, with its secrets and its mail."""

    def __init__(self, place: Path, first: Rolling) -> None:
        place.mkdir()
        super().__init__(place)
        shared = dict(line.split("=", 1) for line in first.shared().read_text().splitlines())
        own = {"DATA_DIR": self.environment["DATA_DIR"]}
        self.environment |= shared | own | CALM | {"HOLDFAST_MAIL_DIR": str(first.data / "mail")}


class Rolling(Drill):
    """`releases`: what runs, by name; the first has the servers."""

    def __init__(self, place: Path, old: str) -> None:
        super().__init__(place)
        self.environment |= CALM
        self.patience = SLOW
        self.releases: dict[str, Soak] = {"old" if old else "": self}
        self.served: Counter[str] = Counter()
        if old:
            self.checkout = place / "old"
            self.checkout.mkdir()
            archive = subprocess.run(
                ["git", "archive", old], cwd=CHECKOUT, check=True, capture_output=True
            )
            subprocess.run(["tar", "-x"], cwd=self.checkout, check=True, input=archive.stdout)

    def shared(self) -> Path:
        return self.data / "run.env"

    def address(self) -> str:
        name, release = random.choice(list(self.releases.items()))
        self.served[name] += 1
        return release.url

    def deploy(self) -> None:
        """The new release beside the old one: migrates, starts, and takes its share of requests."""
        new = Beside(self.place / "new", self)
        new.start()
        self.releases["new"] = new

    def replace(self, release: str, name: str) -> None:
        for child in psutil.Process(self.releases[release].up.pid).children():
            if name in child.cmdline():
                child.send_signal(STEPS[name])
                self.kills[f"{release} {name}".strip()] += 1
                return

    def roll(self, minutes: float) -> None:
        with self.busy():
            time.sleep(EVERY)
            if self.checkout != CHECKOUT:
                self.deploy()
            until = time.monotonic() + minutes * 60
            steps = itertools.cycle(itertools.product(self.releases, STEPS))
            while time.monotonic() < until:
                time.sleep(EVERY)
                name, step = next(steps)
                self.replace(name, step)
                self.until(self.releases[name].healthy, READY)

    def stop(self) -> None:
        """The one with the servers last."""
        for release in list(self.releases.values())[1:]:
            release.stop()
        super().stop()

    def failed(self) -> list[str]:
        return [
            f"{many} × {what}"
            for what, many in sorted(self.answers.items())
            if what.partition(": ")[2] not in FINE
        ]

    def letters(self) -> list[str]:
        """Each row that says it was sent has its file, and none waits or is parked."""
        self.until(lambda: self.count("state IN ('waiting', 'sending')") == 0, 60)
        files = {file.name for file in (self.data / "mail").glob("*.eml")}
        sent, parked = self.count("state = 'sent'"), self.count("state = 'parked'")
        print(f"{sent} rows sent, {len(files)} files")
        found = [f"{parked} emails are parked"] if parked else []
        return found + ([f"{sent - len(files)} emails lost"] if sent > len(files) else [])

    def count(self, where: str) -> int:
        with psycopg.connect(self.database) as connection:
            found = connection.execute(
                f"SELECT count(*) FROM api_delivery WHERE kind = 'email' AND {where}"
            )
            return int(found.fetchone()[0])


def main(minutes: float, old: str) -> int:
    with tempfile.TemporaryDirectory(prefix="rolling") as top:
        rolling = Rolling(Path(top), old)
        rolling.start()
        try:
            rolling.prepare()
            rolling.roll(minutes)
            if old:
                print(f"requests {dict(rolling.served)}")
            print(
                f"replaced {dict(rolling.kills)}; answers {dict(sorted(rolling.answers.items()))}"
            )
            rolling.kills.clear()  # what ended in peace excuses no second copy
            found = rolling.failed() + rolling.letters() + rolling.judge()
        except (AssertionError, requests.RequestException):
            for log in Path(top).glob("**/up.log"):
                print(log.read_text()[-5000:])
            raise
        finally:
            rolling.over.set()
            rolling.stop()
    for sentence in found:
        print(sentence)
    print("Something is wrong." if found else "All is as it must be.")
    return 1 if found else 0


if __name__ == "__main__":
    words = argparse.ArgumentParser(prog="python -m bench.rolling")
    words.add_argument("minutes", type=float, nargs="?", default=10)
    words.add_argument("--old", default="", metavar="REF", help="begin with that release")
    asked = words.parse_args()
    sys.exit(main(asked.minutes, asked.old))
