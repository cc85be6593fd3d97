"""Each README's own examples, as curl lines at its literal paths: all five on one running Holdfast.

The lines are in tests/contracts/readme_examples, where run.sh also runs them by hand.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password

from api.contracts import CONTRACTS
from api.models import Resource, User
from api.services.venues import venues
from backend.devserver import CHECKOUT
from tests.support.stripe import SECRET
from tests.support.web import Site

EXAMPLES = CHECKOUT / "tests" / "contracts" / "readme_examples"
PASSWORD = "holdfast-demo"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("curl"), reason="no curl on this machine"),
]


@pytest.fixture
def running(servers, transactional_db, stripe_port, tmp_path) -> Iterator[Site]:
    """With an admin, and what the READMEs find there."""
    User.objects.create_superuser("admin@example.com", "x", username="admin")
    # the processes hash as they do in life
    User.objects.update(password=make_password(PASSWORD, hasher=PBKDF2PasswordHasher()))
    Resource.objects.create(
        venue=venues.get_contract_venue("circletime"), name="Aquarium", capacity=8
    )
    Resource.objects.create(
        venue=venues.get_contract_venue("paidrooms"),
        name="Conference Room A",
        description="Large conference room",
        capacity=10,
        price_minor=5000,
        amenities=["WiFi", "Projector", "Whiteboard"],
    )
    site = Site(
        servers,
        tmp_path,
        STRIPE_LOCAL="1",
        STRIPE_PORT=str(stripe_port),
        STRIPE_WEBHOOK_SECRET=SECRET,
        CLEANUP_OPEN="1",
        THROTTLE_AUTH="1000/min",
    )
    try:
        site.start()
        yield site
    finally:
        site.stop()


def test_the_examples_of_every_readme_are_answered_as_it_says(running):
    """In turn on one database, each on a day of its own."""
    assert sorted(path.stem for path in EXAMPLES.glob("*.sh")) == sorted([*CONTRACTS, "run"])
    for days, name in enumerate(CONTRACTS, 3):
        done = subprocess.run(
            ["bash", str(EXAMPLES / "run.sh"), name],
            env=os.environ
            | {
                "HOST": running.url(),
                "DAYS": str(days),
                "ADMIN_PASSWORD": PASSWORD,
                "STRIPE_WEBHOOK_SECRET": SECRET,
                "CLEANUP_OPEN": "1",
                "PYTHON": sys.executable,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert (name, done.returncode, done.stderr) == (name, 0, "")
