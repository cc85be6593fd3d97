"""`python -m bench.rolling [MINUTES]`: starts all of Holdfast, books over HTTP without a pause, and
replaces one process after another as a deployment does: web by HUP, so that new processes take over
from old ones; worker, beat and live by TERM. No request may fail, no e-mail may be lost or doubled.

Not a measurement: exits with 1 and says what is wrong.
"""

from __future__ import annotations

import itertools
import signal
import sys
import tempfile
import time
from pathlib import Path

import psutil
import psycopg
import requests

from .restore import Drill

# a word of the command line -> how it is replaced
STEPS = {
    "gunicorn": signal.SIGHUP,
    "worker": signal.SIGTERM,
    "beat": signal.SIGTERM,
    "backend.live": signal.SIGTERM,
}
EVERY = 5.0  # seconds
FINE = ("200", "201", "404", "409")  # somebody else's, or taken: answers, not failures


class Rolling(Drill):
    def replace(self, name: str) -> None:
        for child in psutil.Process(self.up.pid).children():
            if name in child.cmdline():
                child.send_signal(STEPS[name])
                self.kills[name] += 1
                return

    def roll(self, minutes: float) -> None:
        until, steps = time.monotonic() + minutes * 60, itertools.cycle(STEPS)
        with self.busy():
            while time.monotonic() < until:
                time.sleep(EVERY)
                self.replace(next(steps))

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
                f"SELECT count(*) FROM api_delivery WHERE kind = 'email' AND {where}"  # type: ignore[arg-type]
            )
            return int(found.fetchone()[0])  # type: ignore[index]


def main(minutes: float) -> int:
    with tempfile.TemporaryDirectory(prefix="rolling") as top:
        rolling = Rolling(Path(top))
        rolling.start()
        try:
            rolling.prepare()
            rolling.roll(minutes)
            print(
                f"replaced {dict(rolling.kills)}; answers {dict(sorted(rolling.answers.items()))}"
            )
            rolling.kills.clear()  # what ended in peace excuses no second copy
            found = rolling.failed() + rolling.letters() + rolling.judge()
        except (AssertionError, requests.RequestException):
            print((Path(top) / "up.log").read_text()[-5000:])
            raise
        finally:
            rolling.over.set()
            rolling.stop()
    for sentence in found:
        print(sentence)
    print("Something is wrong." if found else "All is as it must be.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10))
