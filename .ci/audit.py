"""Asks the database of advisories about every package of the lock. The rule: a hole that is known
fails; a database that cannot be asked is said, and fails nothing.

OSV_URL names another one that speaks OSV's language, such as a mirror of one's own.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

PATIENCE = 180.0  # seconds for all of them together
# How it ends when nobody answers, or not as one should.
AWAY = ("requests.exceptions.", "pip_audit._service.interface.", "ERROR:pip_audit._cli:Tip:")
# Advisories that do not reach us, each with its reason in a comment.
ACCEPTED: tuple[str, ...] = ()
COMMAND = [
    str(Path(sys.executable).with_name("pip-audit")),
    *("--vulnerability-service", "osv", "--timeout", "10", "--format", "json"),
    *("--disable-pip", "--require-hashes", "--progress-spinner", "off"),
    *(f"--ignore-vuln={name}" for name in ACCEPTED),
]


def ask(lock: str) -> tuple[str, str]:
    """What it found, as JSON, or nothing; and what it said."""
    where = ["--osv-url", os.environ["OSV_URL"]] if os.environ.get("OSV_URL") else []
    command = [*COMMAND, *where, "--requirement", lock]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return "", f"requests.exceptions.Timeout: no answer within {PATIENCE:.0f} s"
    return done.stdout, done.stderr


def main(lock: str) -> int:
    found, said = ask(lock)
    if not found:
        last = (said.strip().splitlines() or [""])[-1]
        if not last.startswith(AWAY):
            print(said, file=sys.stderr)
            return 1
        print(f"No audit, for the database of advisories cannot be asked: {last.split(':')[0]}")
        return 0
    packages = json.loads(found)["dependencies"]
    for package in packages:
        for hole in package.get("vulns", ()):
            name = f"{package['name']} {package['version']}"
            mended = ", ".join(hole["fix_versions"]) or "no release yet"
            print(f"{name}: {hole['id']}, mended by {mended}", file=sys.stderr)
        if "skip_reason" in package:
            print(f"Not audited: {package['skip_reason']}", file=sys.stderr)
    return int(any(package.get("vulns") for package in packages))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
