"""Which Stripe is spoken to, and the combinations that do not start."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from backend.devserver import CHECKOUT
from backend.devserver.up import list_processes

ASK = (
    "from backend import settings as s;"
    "print(s.STRIPE_LOCAL, bool(s.STRIPE_SECRET_KEY), s.STRIPE_API_BASE)"
)
BASE = {"SECRET_KEY": "x", "DATABASE_URL": "postgres://x@127.0.0.1/x", "PATH": os.defpath}


def start(tmp_path, **environment):
    return subprocess.run(
        [sys.executable, "-c", ASK],
        env=BASE | {"DATA_DIR": str(tmp_path)} | environment,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, "False False"),
        ({"STRIPE_LOCAL": "1", "STRIPE_PORT": "8152"}, "True True http://127.0.0.1:8152"),
        ({"STRIPE_SECRET_KEY": "sk_test_1"}, "False True"),
        ({"STRIPE_SECRET_KEY": "sk_test_1", "DEBUG": "1"}, "False True"),
        ({"STRIPE_SECRET_KEY": "rk_live_1"}, "False True"),
        ({"STRIPE_SECRET_KEY": "sk_test_1", "STRIPE_LOCAL": "1"}, "False True"),
    ],
)
def test_what_starts(tmp_path, environment, found):
    done = start(tmp_path, STRIPE_WEBHOOK_SECRET="whsec_1", **environment)
    assert (done.stdout.strip(), done.returncode) == (found, 0), done.stderr


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (
            {"STRIPE_SECRET_KEY": "sk_live_1", "STRIPE_WEBHOOK_SECRET": "whsec_1", "DEBUG": "1"},
            "Live Stripe keys and DEBUG do not go together.",
        ),
        ({"STRIPE_SECRET_KEY": "sk_live_1"}, "Set STRIPE_WEBHOOK_SECRET"),
        ({"STRIPE_SECRET_KEY": "sk_test_1"}, "Set STRIPE_WEBHOOK_SECRET"),
        ({"STRIPE_LOCAL": "1"}, "Set STRIPE_WEBHOOK_SECRET"),
        ({"STRIPE_SECRET_KEY": "pk_test_1"}, "STRIPE_SECRET_KEY is not a secret key"),
        (
            {"STRIPE_SECRET_KEY": "your_stripe_secret_key_here"},
            "STRIPE_SECRET_KEY is not a secret key",
        ),
        (
            {
                "STRIPE_SECRET_KEY": "sk_live_1",
                "STRIPE_WEBHOOK_SECRET": "whsec_1",
                "STRIPE_API_BASE": "http://127.0.0.1:1",
            },
            "Live Stripe keys go to Stripe alone",
        ),
    ],
)
def test_what_does_not_start(tmp_path, environment, said):
    done = start(tmp_path, **environment)
    assert done.returncode != 0
    assert said in done.stderr.splitlines()[-1]


def test_the_local_stripe_runs_only_without_keys():
    assert "stripe" in [name for name, *_ in list_processes({})]
    assert "stripe" not in [name for name, *_ in list_processes({"STRIPE_SECRET_KEY": "sk_test_1"})]
