"""The client in TypeScript under docs/client: its types are made of the document, and its example
books. Left out where there is no Node or npm finds nowhere to fetch from."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from api.models import Booking
from backend.devserver import CHECKOUT

CLIENT = CHECKOUT / "docs/client"
OUR_FAULT = ("EUSAGE", "EINTEGRITY", "EJSONPARSE", "ERESOLVE")  # what is wrong with our own files
PASSWORD = "correct horse 9 battery"


def run(folder: Path, *command: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False
    )


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """A copy with its packages installed."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("no Node on this machine")
    docs = tmp_path_factory.mktemp("docs")
    folder = docs / "client"
    made = shutil.ignore_patterns("node_modules", "built", "v1.d.ts")
    shutil.copytree(CLIENT, folder, ignore=made)
    shutil.copytree(CLIENT.parent / "openapi", docs / "openapi")
    try:
        done = run(folder, "npm", "ci", "--prefer-offline", "--fetch-retries=0")
    except subprocess.TimeoutExpired:
        pytest.skip("npm takes too long to fetch")
    if done.returncode:
        assert not any(code in done.stderr for code in OUR_FAULT), done.stderr
        pytest.skip(f"npm cannot fetch: {' '.join(re.findall(r'code (E.+)', done.stderr))}")
    return folder


def test_its_packages_have_versions_and_no_place_of_their_own():
    package = json.loads((CLIENT / "package.json").read_text())
    wanted = package["dependencies"] | package["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    lock = json.loads((CLIENT / "package-lock.json").read_text())["packages"]
    assert {name: lock[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert not [name for name, kept in lock.items() if "resolved" in kept]


@pytest.mark.slow
def test_its_example_compiles_and_books(client, site, room):
    with closing(HTTPConnection("127.0.0.1", site.port)) as connection:
        body = json.dumps({"email": "tea@example.com", "password": PASSWORD})
        path, head = "/api/v1/auth/register/", {"Content-Type": "application/json"}
        connection.request("POST", path, body, head)
        assert connection.getresponse().status == 201
    made = run(client, "npm", "run", "generate")
    assert made.returncode == 0, made.stderr
    built = run(client, "npm", "run", "build")
    assert built.returncode == 0, built.stdout

    done = run(client, "node", "built/example.js", site.url(), "tea@example.com", PASSWORD)
    assert done.returncode == 0, done.stderr
    first, second = Booking.objects.order_by("pk")
    hour = f"{first.starts_at:%FT%H:00:00Z}"
    nearest = f"{second.starts_at:%FT%H:00:00Z}"
    assert done.stdout.splitlines() == [
        f"Aquarium is free at {hour}",
        f"booked: {first.pk} is confirmed; sent twice it is still {first.pk}",
        f"taken, and {nearest} is offered instead",
        f"booked: {second.pk} at {nearest}",
        f"cancelled: {first.pk} is cancelled",
        f"cancelled: {second.pk} is cancelled",
    ]
    assert {first.status, second.status} == {"cancelled"}
    assert abs(first.starts_at - second.starts_at) == first.ends_at - first.starts_at
