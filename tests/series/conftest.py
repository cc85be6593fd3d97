"""Series as people send them."""

from __future__ import annotations

from datetime import timedelta

import pytest


@pytest.fixture
def body(court, soon):
    """Four weeks of an hour; anything else by name."""

    def make(without=(), **more):
        sent = {
            "resource": court.pk,
            "starts_at": soon.isoformat(),
            "ends_at": (soon + timedelta(hours=1)).isoformat(),
            "rule": "FREQ=WEEKLY;COUNT=4",
        } | more
        return {name: value for name, value in sent.items() if name not in without}

    return make
