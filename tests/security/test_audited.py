"""Nothing that staff do is left out of the audit log: every table, every route of every door, every
page of the admin."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection, transaction
from django.test import Client
from django.urls import resolve

from api.models import AuditEntry

from . import test_matrix
from .faces import FACES
from .routes import routes
from .test_matrix import WHO
from .world import Face, World

pytestmark = pytest.mark.django_db

JSON = "application/json"
CONTACTS = (WHO[0], WHO[3])  # the owner's
world = test_matrix.world


# tables without a trigger, and why
NOT_AUDITED = {
    "api_auditentry": "it is the log",
    "api_auditseal": "it is the log",
    "api_allocation": "what bookings and blocks occupy, written with them",
    "api_freedtime": "time to be offered, written by a trigger",
    "api_bookingevent": "a line of history comes with each change of a booking",
    "api_accountchange": "comes with each change of an account",
    "api_idempotencykey": "responses that are sent again",
    "api_job": "records of runs",
    "api_heartbeat": "records of runs",
    "api_rulesreview": "written by a trigger and a job",
    "api_dayrollup": "sums of bookings",
    "api_monthrollup": "sums of bookings",
    "api_outdatedperiod": "sums of bookings",
    "api_stripeevent": "written by Stripe",
    "api_dispute": "written by Stripe",
    "api_consent": "what people agree to themselves",
    "api_usersession": "a sign-in of the person's own",
    "api_user_groups": "Django's groups are not used",
    "api_user_user_permissions": "Django's permissions are not used",
}
# of other apps: sessions, tokens and Django's own records are no data that staff write
OTHER_APPS = {"django_celery_beat_periodictask"}


def test_every_table_is_audited_or_says_why_not():
    """The test for whoever adds a model: `SELECT api_audit_table(…)` in its migration, or a line
    above."""
    tables = {
        model._meta.db_table
        for model in apps.get_app_config("api").get_models(include_auto_created=True)
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'audited'")
        audited = {table for (table,) in cursor.fetchall()}
    assert audited == (tables | OTHER_APPS) - NOT_AUDITED.keys()


# what changes by itself, and letters, which follow from what was done
UNLOGGED = "updated_at,version,rules_version,last_seen_at,last_used_at,last_login"


def list_rows() -> set[str]:
    """All that is in audited tables."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'audited'")
        tables = sorted(table for (table,) in cursor.fetchall() if table != "api_delivery")
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{table}' || (to_jsonb(t) - '{{{UNLOGGED}}}'::text[])::text FROM {table} t"
                for table in tables
            )
        )
        return {row for (row,) in cursor.fetchall()}


def call(
    face: Face, world: World, who: str, method: str, route: str
) -> tuple[Any, bool, list[str]]:
    """The response, whether it changed a row, and what was written into the log. What was done is
    taken back."""
    client, person = face.client(getattr(world, who)), getattr(world, who)
    before, count = list_rows(), AuditEntry.objects.count()
    with transaction.atomic():
        body = b"" if method == "GET" else json.dumps(face.bodies.get((method, route)) or {})
        response = client.generic(method, face.path(route), body, JSON)
        changed = list_rows() != before
        entries = list(AuditEntry.objects.order_by("id")[count:])
        transaction.set_rollback(True)
    assert {entry.user_id for entry in entries} <= {person.pk}
    return response, changed, [f"{entry.action} {entry.object}" for entry in entries]


def is_anonymous(path: str) -> bool:
    """Whether the view asks nobody who they are: signing in, registering, links of letters."""
    view: Any = resolve(path.partition("?")[0]).func
    cls = getattr(view, "cls", None) or view.view_class
    return not cls.authentication_classes


@pytest.mark.parametrize("name", FACES)
def test_every_write_and_every_look_of_staff_leaves_an_entry(name, world):
    """Whatever changes a row of an audited table, and whatever shows the owner's address or phone.
    Names alone, as on the boards, are not looked for."""
    face = FACES[name](world)
    missing, checked = [], 0
    for route, methods in routes(face.prefix):
        for method in methods:
            if is_anonymous(face.path(route)):
                continue
            for who in ("staff", "admin", "operator"):
                response, changed, found = call(face, world, who, method, route)
                text = b"" if response.streaming else response.content
                shown = any(contact.encode() in text for contact in CONTACTS)
                looked = method == "GET" and shown
                checked += changed or looked
                if (changed or looked) and not found:
                    missing.append((who, method, route, response.status_code))
    assert missing == []
    assert checked > 5


def test_every_page_of_the_admin_that_shows_a_person_leaves_an_entry(world):
    """Asked by an operator with a session. Lists and forms of other rows name nobody."""
    FACES["v1"](world)
    client, found = Client(), {}
    client.force_login(world.operator)
    for model in admin.site._registry:
        place = f"/admin/{model._meta.label_lower.replace('.', '/')}"
        row = model._default_manager.order_by("pk").values_list("pk", flat=True).first()
        for page in (f"{place}/", f"{place}/{row}/change/" if row else ""):
            count = AuditEntry.objects.count()
            response = client.get(page) if page else None
            if response is None or response.status_code != 200:
                continue
            new = AuditEntry.objects.order_by("id")[count:]
            found[page.replace(str(row), "{}")] = [
                (entry.kind, entry.user_id, entry.action) for entry in new
            ]
            if CONTACTS[0] in response.content.decode():
                assert len(new) == 1, page
    assert found["/admin/api/user/"] == [("operator", world.operator.pk, "read")]
    assert found["/admin/api/user/{}/change/"] == [("operator", world.operator.pk, "read")]
    assert found["/admin/api/venue/"] == []
