"""Every example of the README and the documentation, typed into a fresh `make up` whose first admin
has a password of their own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest

from backend.devserver import CHECKOUT
from backend.devserver.server import pick_port
from tests.support.waiting import eventually

from .test_up import START_SECONDS, STOP_SECONDS, Up

PAGES = sorted(
    path.relative_to(CHECKOUT)
    for path in (CHECKOUT / "README.md", *CHECKOUT.glob("docs/**/*.md"))
    if "```console" in path.read_text()
)


def test_an_example_names_the_address_that_make_up_prints():
    """So that each page can be typed by itself, wherever one begins to read."""
    for page in PAGES:
        first = re.search(r"```console\n\$ (.*)", (CHECKOUT / page).read_text())
        assert first and "http://localhost:8000" in first[1], page


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="no curl or no jq")
def test_every_example_prints_what_it_says(tmp_path):
    data_dir = tmp_path / "data"
    ports = {name: str(pick_port()) for name in ("PORT", "FLOWER_PORT", "STRIPE_PORT")}
    own = {"DATA_DIR": str(data_dir), "DJANGO_SUPERUSER_PASSWORD": "granite 81 lantern", **ports}
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **own}
    up = Up(data_dir, environment)
    try:
        eventually(up.health, seconds=START_SECONDS)
        done = subprocess.run(
            [sys.executable, "docs/console.py", "--check", *map(str, PAGES)],
            cwd=CHECKOUT,
            env=environment | {"BASE_URL": f"http://localhost:{ports['PORT']}"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    finally:
        up.process.terminate()
        up.process.wait(STOP_SECONDS)
