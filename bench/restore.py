"""`python -m bench.restore [SECONDS] [--careless]`: the drill. Starts all of Holdfast, books over
HTTP, takes a backup in the middle of it, goes on for a while, loses the database, restores the
backup, and starts again. Everything must be true then, and no e-mail may have left twice.

Not a measurement: exits with 1 and says what is wrong. `--careless` withholds nothing after the
restore, which shows that the drill sees what it looks for.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from backend.devserver import CHECKOUT, running
from backend.devserver.postgres import find_binaries
from backend.devserver.processes import Owner

from .soak import CLIENTS, Soak


class Drill(Soak):
    """A soak in which nothing is killed, and the database is lost."""

    @property
    def data(self) -> Path:
        return self.place / "data"

    @property
    def database(self) -> str:
        lines = (self.data / "run.env").read_text().splitlines()
        return next(line.partition("=")[2] for line in lines if line.startswith("DATABASE_URL="))

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=CHECKOUT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def tool(self, name: str, *words: str) -> None:
        """One of PostgreSQL's own programs."""
        self.run(str(find_binaries(Owner.of(self.data / "postgres")) / name), *words)

    def manage(self, *words: str) -> None:
        print(f"  manage.py {' '.join(words)}")
        for line in self.run(sys.executable, "-W", "ignore", "manage.py", *words).splitlines():
            print(f"    {line}")

    @contextmanager
    def busy(self) -> Iterator[None]:
        self.over = threading.Event()
        clients = [threading.Thread(target=self.client, args=[n]) for n in range(CLIENTS)]
        for each in clients:
            each.start()
        try:
            yield
        finally:
            self.over.set()
            for each in clients:
                each.join()

    # the drill

    def lose(self, seconds: float) -> None:
        """A backup in mid-run, and what is done after it."""
        self.start()
        try:
            self.prepare()
            with self.busy():
                time.sleep(seconds)
                began = time.monotonic()
                self.tool("pg_dump", "-Fc", "-f", str(self.place / "backup"), self.database)
                print(f"backup after {seconds:.0f} s of load, in {time.monotonic() - began:.1f} s")
                known = len(self.acknowledged)
                time.sleep(seconds)
            self.until(lambda: self.lag() < 10, 120)
            print(f"{len(self.acknowledged)} bookings, {len(self.acknowledged) - known} since then")
        finally:
            self.stop()

    def restore(self, *, careless: bool) -> None:
        """Over the lost one, with nothing of Holdfast running."""
        with running(self.data, given=self.environment):
            beside = f"{self.database.rpartition('/')[0]}/postgres"
            with psycopg.connect(beside, autocommit=True) as admin:
                admin.execute("DROP DATABASE holdfast WITH (FORCE)")
                admin.execute("CREATE DATABASE holdfast")
            backup = str(self.place / "backup")
            self.tool("pg_restore", "--no-owner", "-d", self.database, backup)
            self.manage("after_restore", *(["--send"] if careless else []))

    def go_on(self, seconds: float) -> list[str]:
        self.acknowledged.clear()
        self.start()
        try:
            with self.busy():
                time.sleep(seconds)
            return self.judge()
        finally:
            self.stop()


def main(seconds: float, *, careless: bool) -> int:
    with tempfile.TemporaryDirectory(prefix="drill") as top:
        drill = Drill(Path(top))
        try:
            drill.lose(seconds)
            drill.mail()
            drill.restore(careless=careless)
            found = drill.go_on(seconds)
        except BaseException:
            print((Path(top) / "up.log").read_text()[-5000:])
            raise
        print(f"answers {dict(sorted(drill.answers.items()))}")
    for sentence in found:
        print(sentence)
    print("Something is wrong." if found else "All is as it must be.")
    return 1 if found else 0


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--careless"]
    sys.exit(main(float(words[0]) if words else 30, careless="--careless" in sys.argv))
