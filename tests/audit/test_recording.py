"""What the audit log records: every write of staff, in the transaction of the write."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from api.models import AuditEntry, User
from api.rest.auditing import name_object, shows_people
from api.services.audit import sealing
from api.services.audit.recording import AuditActor, Recorder

pytestmark = pytest.mark.django_db


def entries(**filters):
    fields = ("kind", "user_id", "action", "object", "before", "after")
    return list(AuditEntry.objects.filter(**filters).order_by("id").values_list(*fields))


def test_write_of_staff_leaves_who_what_before_after_and_request(client_of, sam, court):
    answer = client_of(sam).patch(
        f"/api/v1/resources/{court.pk}/", {"name": "Centre", "capacity": 4}, HTTP_X_REQUEST_ID="r-1"
    )
    assert answer.status_code == 200
    [entry] = AuditEntry.objects.all()
    assert (entry.kind, entry.user_id, entry.key_id) == ("staff", sam.pk, None)
    assert (entry.action, entry.object) == ("update", f"resource:{court.pk}")
    assert (entry.before, entry.after) == ({"name": "Court 1"}, {"name": "Centre"})
    assert (entry.venue_id, entry.request_id) == (court.venue_id, "r-1")


def test_change_of_status_is_called_by_its_verb(client_of, sam, ana, booked):
    booking = booked(ana)
    answer = client_of(sam).post(f"/api/v1/bookings/{booking.pk}/cancel/", {"reason": "Rain"})
    assert answer.status_code == 200
    assert entries() == [
        (
            "staff",
            sam.pk,
            "cancel",
            f"booking:{booking.pk}",
            {"status": "confirmed"},
            {"status": "cancelled"},
        )
    ]


def test_customer_leaves_no_entry_and_runs_not_a_statement_more(client_of, ana, court, soon):
    with CaptureQueriesContext(connection) as queries:
        answer = client_of(ana).post("/api/v1/bookings/", request_for(court, soon))
    assert answer.status_code == 201
    assert not [query for query in queries if "holdfast.actor" in query["sql"]]
    assert entries() == []


def request_for(court, starts_at):
    times = {"starts_at": starts_at, "ends_at": starts_at + timedelta(hours=1)}
    return {"resource": court.pk} | {name: at.isoformat() for name, at in times.items()}


def test_customer_after_staff_on_one_connection_leaves_no_entry(client_of, sam, ana, court, soon):
    """Within one transaction too, as every test runs in one."""
    client_of(sam).patch(f"/api/v1/resources/{court.pk}/", {"floor": 2})
    client_of(sam).post("/api/v1/bookings/", {}, HTTP_IDEMPOTENCY_KEY="k")
    client_of(ana).post("/api/v1/bookings/", request_for(court, soon))
    assert [entry[3] for entry in entries()] == [f"resource:{court.pk}"]


@pytest.mark.django_db(transaction=True)
def test_who_acts_is_forgotten_with_the_transaction(sam, ana, court):
    """Outside of a transaction each statement has one of its own; a savepoint that is rolled back
    takes the setting with it, and the next statement makes it again."""
    recorder = Recorder(AuditActor("staff", sam.pk), "r-3")
    recorder.start()
    User.objects.filter(pk=ana.pk).update(department="One")
    with transaction.atomic():
        with transaction.atomic():
            User.objects.filter(pk=ana.pk).update(department="Two")
        with transaction.atomic():
            User.objects.filter(pk=ana.pk).update(department="Lost")
            transaction.set_rollback(True)
        User.objects.filter(pk=ana.pk).update(department="Three")
    recorder.stop()
    User.objects.filter(pk=ana.pk).update(department="Four")
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('holdfast.actor', true)")
        assert cursor.fetchone()[0] in ("", None)
    assert [entry[5]["department"] for entry in entries()] == ["One", "Two", "Three"]


@pytest.mark.django_db(transaction=True)
def test_transaction_that_begins_with_a_failed_savepoint_is_recorded(sam, ana):
    recorder = Recorder(AuditActor("staff", sam.pk), "r-3")
    recorder.start()
    with transaction.atomic():
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
        User.objects.filter(pk=ana.pk).update(department="One")
    recorder.stop()
    assert [entry[5] for entry in entries()] == [{"department": "One"}]


def test_refused_and_rehearsed_writes_leave_no_entry(client_of, sam, ana, booked, court):
    booked(ana)
    staff = client_of(sam)
    rehearsed = staff.patch(f"/api/v1/resources/{court.pk}/?dry_run=1", {"capacity": 1})
    assert rehearsed.status_code == 200
    path = f"/api/v1/resources/{court.pk}/"
    refused = staff.patch(path, {"capacity": -1}, HTTP_IDEMPOTENCY_KEY="k")
    assert refused.status_code == 400
    assert entries() == []


def test_write_that_is_sent_again_leaves_one_entry(client_of, sam, court):
    path = f"/api/v1/resources/{court.pk}/"
    for _ in range(2):
        answer = client_of(sam).patch(path, {"floor": 3}, HTTP_IDEMPOTENCY_KEY="k")
        assert answer.status_code == 200
    assert [entry[3] for entry in entries()] == [f"resource:{court.pk}"]


def test_secrets_and_what_changes_by_itself_are_not_in_the_log(client_of, ada, ana, court):
    panel = client_of(ada).post("/api/v1/panels/", {"resource": court.pk}).json()
    ana.refresh_from_db()
    recorder = Recorder(AuditActor("admin", ada.pk), "r-4")
    recorder.start()
    ana.set_password("another horse 8 lamp")
    ana.save()
    User.objects.filter(pk=ana.pk).update(last_login=Now())
    recorder.stop()
    made, changed = AuditEntry.objects.order_by("id")
    assert (made.action, made.object) == ("create", f"panel:{panel['id']}")
    assert (made.after["token_hash"], made.after["code_hash"]) == ("…", "…")
    assert (changed.before, changed.after) == ({"password": "…"}, {"password": "…"})


def test_rows_that_go_or_are_marked_as_gone_say_so(client_of, ada, court, ana, booked):
    admin = client_of(ada)
    booked(ana)
    closure = admin.post(
        "/api/v1/venues/club/closures/", {"first_on": "2031-01-01", "last_on": "2031-01-01"}
    ).json()
    admin.delete(f"/api/v1/venues/club/closures/{closure['id']}/")
    admin.delete(f"/api/v1/resources/{court.pk}/")
    found = [(entry.action, entry.object) for entry in AuditEntry.objects.order_by("id")]
    assert found[0] == ("create", f"exception:{closure['id']}")
    assert found[1] == ("delete", f"exception:{closure['id']}")
    assert ("retire", f"resource:{court.pk}") in found


def test_admin_site_is_recorded(client, ada, ana, booked):
    client.force_login(ada)
    booking = booked(ana)
    answer = client.post(
        "/admin/api/booking/",
        {"action": "cancel_all", "_selected_action": [booking.pk]},
        HTTP_X_REQUEST_ID="r-5",
    )
    assert answer.status_code == 302
    [entry] = AuditEntry.objects.all()
    assert (entry.kind, entry.user_id, entry.request_id) == ("operator", ada.pk, "r-5")
    assert (entry.action, entry.object) == ("cancel", f"booking:{booking.pk}")


def test_look_at_a_booking_and_at_lists_of_people_is_recorded(client_of, sam, ada, ana, booked):
    booking = booked(ana)
    assert client_of(sam).get(f"/api/v1/bookings/{booking.pk}/").status_code == 200
    assert client_of(sam).get("/api/v1/bookings/?venue=club").status_code == 200
    assert client_of(ada).get(f"/api/v1/users/{ana.pk}/").status_code == 200
    assert client_of(ana).get(f"/api/v1/bookings/{booking.pk}/").status_code == 200
    assert client_of(sam).get("/api/v1/resources/").status_code == 200
    found = AuditEntry.objects.order_by("id").values_list("user", "action", "object", "after")
    assert list(found) == [
        (sam.pk, "read", f"booking:{booking.pk}", {"path": f"/api/v1/bookings/{booking.pk}/"}),
        (sam.pk, "read", "bookings", {"path": "/api/v1/bookings/", "rows": 1}),
        (ada.pk, "read", f"user:{ana.pk}", {"path": f"/api/v1/users/{ana.pk}/"}),
    ]
    assert set(AuditEntry.objects.values_list("venue__slug", flat=True)) == {"club", None}


def test_file_is_recorded_as_an_export(client_of, sam, court):
    path = "/api/v1/analytics/kpi/?start=2030-01-01&end=2030-01-02&venue=club&format=csv"
    assert client_of(sam).get(path).status_code == 200
    assert [entry[2:4] for entry in entries()] == [("export", "analytics/kpi")]


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_recorded_is_not_shown(client_of, sam, ana, booked):
    booking = booked(ana)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE api_auditentry RENAME TO moved_away")
    try:
        with pytest.raises(DatabaseError):
            client_of(sam).get(f"/api/v1/bookings/{booking.pk}/")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE moved_away RENAME TO api_auditentry")


def test_own_data_is_no_look_at_people(client_of, sam):
    assert client_of(sam).get("/api/v1/auth/me/").status_code == 200
    assert entries() == []


@pytest.mark.parametrize(
    ("content", "shows"),
    [
        ({"email": "ana@example.com"}, True),
        ({"email": "sam@example.com", "phone": "555"}, False),
        ({"rows": [{"note": "write to ana@example.com"}]}, True),
        ([{"owner": {"phone": "555"}}], True),
        ([{"owner": {"phone": ""}}], False),
        ({"admin_email": "office@example.com"}, False),
        ({"name": "Ana @ home", "count": 2, "none": None}, False),
        ("<a>sam@example.com</a>", False),
    ],
)
def test_what_shows_people(content, shows):
    assert shows_people(content, "sam@example.com") is shows


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/v1/bookings/12/", "booking:12"),
        ("/api/v1/bookings/12/events/", "booking:12"),
        ("/primetime/api/reservations/7/", "booking:7"),
        ("/primetime/api/reservations/trades/7/", "trade:7"),
        ("/circletime/api/bookings/7", "booking:7"),
        ("/barbershop/api/users/5/", "user:5"),
        ("/api/users/5/", "user:5"),
        ("/admin/api/user/5/change/", "user:5"),
        ("/admin/api/user/", "user"),
        ("/api/v1/venues/club/members/", "venues/club/members"),
        ("/api/v1/dashboard/staff/", "dashboard/staff"),
    ],
)
def test_object_of_a_look_is_named_by_its_address(path, name):
    assert name_object(path) == name


def test_erasing_a_person_empties_what_the_log_holds_of_them(client_of, ada, ana, booked):
    """The entries stay, with their digests, so that the chain holds."""
    booking = booked(ana, title="Quiet plans")
    admin = client_of(ada)
    admin.patch(f"/api/v1/users/{ana.pk}/", {"last_name": "Quillfeather"})
    admin.patch(f"/api/v1/bookings/{booking.pk}/", {"title": "Other plans"})
    sealing.seal()
    assert admin.delete(f"/api/v1/users/{ana.pk}/").status_code == 204
    about = AuditEntry.objects.filter(object__in=[f"user:{ana.pk}", f"booking:{booking.pk}"])
    assert list(about.order_by("id").values_list("action", "before", "after")) == [
        (action, None, None) for action in ("update", "update", "cancel", "update", "erase")
    ]
    everything = str(list(AuditEntry.objects.values("before", "after")))
    for text in ("Quillfeather", "plans", "ana@example.com", "Ana"):
        assert text not in everything
    report = sealing.verify()
    assert report.problems == []
    assert report.erased >= 5


def test_person_gets_what_staff_looked_at(client_of, sam, ana, booked):
    booking = booked(ana)
    client_of(sam).get(f"/api/v1/bookings/{booking.pk}/")
    exported = client_of(ana).get("/api/v1/auth/me/export/").json()
    [look] = exported["looked_at"]
    assert (look["action"], look["object"]) == ("read", f"booking:{booking.pk}")
