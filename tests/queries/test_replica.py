"""A replica is asked for figures, and for nothing else; here it is the same server, read only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from api.models import Booking
from backend.devserver import CHECKOUT

pytestmark = pytest.mark.django_db(transaction=True)

WALK = """
import contextlib, json, sys
import django; django.setup()
from django.db import connections
from api.models import BookingEvent, User
from api.queries.operations import replica
from api.services.accounts import tokens
from django.db.utils import InternalError
from rest_framework.test import APIClient
asked = json.loads(sys.argv[1])
seen = []
def client(name):
    made = APIClient()
    access = tokens.issue(User.objects.get(email=f"{name}@example.com"), "v1").access
    made.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return made
ana, sam = client("ana"), client("sam")
def count(name, execute, sql, params, many, context):
    seen.append(context["connection"].alias)
    return execute(sql, params, many, context)
told = {}
with contextlib.ExitStack() as stack:
    for each in connections:
        stack.enter_context(connections[each].execute_wrapper(lambda *a: count("", *a)))
    def walk(name, call):
        seen.clear()
        told[name] = [call(), sorted(set(seen))]
    range_ = f"?start={asked['on']}&end={asked['on']}&venue=club"
    for figure in ("kpi", "utilization", "ghosting", "capacity", "heat-map"):
        walk(figure, lambda: sam.get(f"/api/v1/analytics/{figure}/{range_}").status_code)
    walk("availability", lambda: ana.get(
        f"/api/v1/resources/{asked['room']}/availability/?start={asked['from']}&end={asked['to']}"
    ).status_code)
    walk("booking", lambda: ana.post("/api/v1/bookings/", {
        "resource": asked["room"], "starts_at": asked["from"], "ends_at": asked["to"]
    }).status_code)
    walk("timeline", lambda: ana.get(f"/api/v1/bookings/{asked['booking']}/events/").status_code)
told["total"] = sam.get(f"/api/v1/analytics/kpi/{range_}").json()["total_bookings"]
with replica.may_lag(), contextlib.suppress(InternalError):
    with replica.open_cursor() as cursor:
        cursor.execute("DELETE FROM " + BookingEvent._meta.db_table)
        told["wrote"] = True
print(json.dumps(told))
"""


def test_figures_are_read_from_the_replica_and_nothing_else_is(
    servers: Any, booked: Any, ana: Any, sam: Any, soon: Any
) -> None:
    """Without the decorator on a figure, it is read from the first server."""
    there = booked(ana)
    url = servers.postgres.url(connection.settings_dict["NAME"])
    asked = {
        "on": soon.date().isoformat(),
        "room": there.resource_id,
        "booking": there.pk,
        "from": (soon + timedelta(hours=2)).isoformat(),
        "to": (soon + timedelta(hours=3)).isoformat(),
    }
    given = os.environ | {
        "DATABASE_URL": url,
        "DATABASE_REPLICA_URL": url,
        "DJANGO_SETTINGS_MODULE": "backend.settings",
        "ALLOWED_HOSTS": "testserver",
    }
    done = subprocess.run(
        [sys.executable, "-c", WALK, json.dumps(asked)],
        cwd=CHECKOUT,
        env=given,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    for figure in ("kpi", "utilization", "ghosting", "capacity", "heat-map"):
        status, servers_asked = told[figure]
        assert (status, "replica" in servers_asked) == (200, True), figure
    assert told["availability"] == [200, ["default"]]
    assert told["booking"] == [201, ["default"]]
    assert told["timeline"] == [200, ["default"]]
    assert told["total"] == Booking.objects.count() == 2
    assert "wrote" not in told
