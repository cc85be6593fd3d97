"""The analytics over HTTP: JSON, CSV and PDF, at once and by a worker."""

from __future__ import annotations

import csv
import io
import re
import threading
from datetime import date, time, timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from api.models import Export, Resource, Venue
from api.services.analytics import exports, reports
from tests.support.past_bookings import at, meeting

pytestmark = pytest.mark.django_db

MONDAY = date(2024, 1, 15)
WEEK = "start=2024-01-15&end=2024-01-21"
FIGURES = ("kpi", "utilization", "ghosting", "capacity", "heat-map")


@pytest.fixture
def office(db: None) -> Venue:
    return Venue.objects.create(
        slug="office",
        name="Office",
        time_zone="Europe/Berlin",
        opens_at=time(7),
        closes_at=time(19),
    )


@pytest.fixture
def room(office: Venue) -> Resource:
    return Resource.objects.create(venue=office, name="Ada", capacity=4)


@pytest.fixture
def week(room, ana):
    """Six hours in two meetings, and a no-show of an hour."""
    meeting(room, ana, at(room, MONDAY), 180, guests=2)
    meeting(room, ana, at(room, MONDAY, "14:00"), 180, guests=6)
    meeting(room, ana, at(room, MONDAY + timedelta(days=1)), 60, "no_show", guests=1)


@pytest.fixture
def get(client_of, sam):
    client = client_of(sam)
    return lambda path: client.get(f"/api/v1/analytics/{path}")


@pytest.fixture
def small_files(settings):
    """Anything of more than a room and a week is for a worker."""
    settings.EXPORT_AT_ONCE = 7


def test_key_figures_as_json(get, week):
    answer = get(f"kpi/?{WEEK}&venue=office")
    assert answer.status_code == 200
    assert answer.json() == {
        "start": "2024-01-15",
        "end": "2024-01-21",
        "venue": "office",
        "total_rooms": 1,
        "avg_utilization": 8.3,
        "utilization_change": 8.3,
        "ghosting_rate": 33.3,
        "ghosting_change": 33.3,
        "total_bookings": 3,
        "bookings_change": None,
    }


@pytest.mark.parametrize(
    ("path", "figures"),
    [
        (
            "utilization",
            {
                "utilization_rate": 8.3,
                "total_bookings": 3,
                "total_hours": 7.0,
                "peak_hours": ["09:00", "14:00"],
            },
        ),
        (
            "ghosting",
            {
                "ghosting_rate": 33.3,
                "no_shows": 1,
                "total_bookings": 3,
                "average_wasted_minutes": 60.0,
            },
        ),
        (
            "capacity",
            {
                "capacity": 4,
                "average_attendees": 3.0,
                "capacity_utilization": 75.0,
                "oversized": 1,
                "undersized": 1,
            },
        ),
    ],
)
def test_figures_of_rooms_as_json(get, week, room, path, figures):
    assert get(f"{path}/?{WEEK}").json() == {
        "start": "2024-01-15",
        "end": "2024-01-21",
        "venue": None,
        "results": [{"resource_id": room.pk, "name": "Ada", **figures}],
    }


def test_the_heat_map_as_json(get, week):
    body = get(f"heat-map/?{WEEK}&format=json").json()
    assert body["hours"][0] == [0.0] * 9 + [1.0] * 3 + [0.0] * 2 + [1.0] * 3 + [0.0] * 7
    assert sum(map(sum, body["hours"])) == 7.0


@pytest.mark.parametrize("path", FIGURES)
def test_only_staff_see_figures(client_of, path, ana, sam, ada):
    url = f"/api/v1/analytics/{path}/?{WEEK}"
    answers = [client_of(person).get(url).status_code for person in (None, ana, sam, ada)]
    assert answers == [401, 403, 200, 200]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "start"),
        ("start=2024-01-01", "end"),
        ("end=2024-01-01", "start"),
        ("start=2024-02-30&end=2024-03-01", "start"),
        ("start=2024-01-01%00&end=2024-01-02", "start"),
        ("start=2024-01-01T00:00:00&end=2024-01-02", "start"),
        ("start[]=1&end=2024-01-02", "start"),
        (f"{WEEK}&format=xml", "format"),
        (f"{WEEK}&format=", "format"),
        (f"{WEEK}&venue=%00", "venue"),
        (f"{WEEK}&venue=no%20slug", "venue"),
        (f"{WEEK}&venue=%ED%A0%80", "venue"),
    ],
)
@pytest.mark.parametrize("path", FIGURES)
def test_a_bad_question_is_refused_with_the_field_that_is_wrong(get, path, query, field):
    answer = get(f"{path}/?{query}")
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert (answer.json()["code"], next(iter(answer.json()["errors"]))) == ("invalid", field)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("start=2024-01-02&end=2024-01-01", "end"),
        ("start=0001-01-01&end=2024-03-01", "start"),
        ("start=2024-01-01&end=9999-12-31", "end"),
        ("start=2024-01-01&end=2029-01-10", "end"),
    ],
)
@pytest.mark.parametrize("path", FIGURES)
def test_dates_out_of_reach_are_refused_with_the_one_that_is(get, path, query, field):
    answer = get(f"{path}/?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "unfit")
    assert list(answer.json()["errors"]) == [field]


def test_an_unknown_venue_is_not_found(get):
    answer = get(f"kpi/?{WEEK}&venue=nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_refusal_is_a_problem_whatever_format_was_asked(client_of, ana):
    answer = client_of(ana).get(f"/api/v1/analytics/kpi/?{WEEK}&format=pdf")
    assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
    answer = client_of(ana).get(f"/api/v1/analytics/kpi/?{WEEK}&format=xml")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_five_years_may_be_asked_for_and_no_more(get, week):
    assert get("kpi/?start=2020-01-01&end=2025-01-03").status_code == 200
    assert get("kpi/?start=2020-01-01&end=2025-01-04").status_code == 400


# files


def test_csv_has_keys_as_its_heading_and_a_line_a_room(get, week, room):
    answer = get(f"utilization/?{WEEK}&venue=office&format=csv")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert answer["Content-Disposition"] == (
        'attachment; filename="holdfast-utilization-2024-01-15-2024-01-21.csv"'
    )
    assert answer.content.decode() == (
        "\ufeffresource_id,name,utilization_rate,total_bookings,total_hours,peak_hours\r\n"
        f"{room.pk},Ada,8.3,3,7.0,09:00 14:00\r\n"
    )


def test_csv_of_key_figures_and_of_the_heat_map(get, week):
    kpi = get(f"kpi/?{WEEK}&format=csv").content.decode("utf-8-sig").splitlines()
    assert kpi == [
        ",".join(reports.HEADINGS[reports.Figure.KPI]),
        "1,8.3,8.3,33.3,33.3,3,",
    ]
    heat = list(
        csv.reader(io.StringIO(get(f"heat-map/?{WEEK}&format=csv").content.decode("utf-8-sig")))
    )
    assert heat[0][:3] == ["weekday", "00", "01"]
    assert heat[1][:11] == ["Monday", *["0.0"] * 9, "1.0"]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", " =1+1", "＝1+1"])
def test_no_cell_of_a_csv_is_a_formula(get, room, name):
    Resource.objects.filter(pk=room.pk).update(name=name)
    text = get(f"ghosting/?{WEEK}&format=csv").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert rows[0]["name"] == f"'{name}"


def test_a_csv_quotes_what_would_break_its_lines(get, room):
    Resource.objects.filter(pk=room.pk).update(name='Ada, "big"\nroom 日本')
    text = get(f"ghosting/?{WEEK}&format=csv").content.decode("utf-8-sig")
    assert next(csv.DictReader(io.StringIO(text)))["name"] == 'Ada, "big"\nroom 日本'


@pytest.mark.parametrize("path", FIGURES)
def test_every_figure_is_to_be_had_as_pdf(get, week, room, path):
    Resource.objects.filter(pk=room.pk).update(name="<b>Ada & Żółć 日本" + "x" * 200)
    answer = get(f"{path}/?{WEEK}&format=pdf")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert answer.content.startswith(b"%PDF-")
    assert answer.content.rstrip().endswith(b"%%EOF")


@pytest.mark.parametrize("path", FIGURES)
def test_a_venue_without_rooms_has_files_too(get, path):
    Venue.objects.create(slug="empty", name="Empty")
    for kind in ("json", "csv", "pdf"):
        assert get(f"{path}/?{WEEK}&venue=empty&format={kind}").status_code == 200


# large files


def test_a_large_file_is_made_by_a_worker_and_fetched_when_ready(get, week, room, small_files):
    Resource.objects.create(venue=room.venue, name="Bob")
    query = f"utilization/?{WEEK}&venue=office&format=csv"
    asked = get(query)
    assert asked.status_code == 202
    export = Export.objects.get()
    assert asked["Location"] == f"/api/v1/analytics/exports/{export.pk}/"
    body = asked.json()
    assert body.pop("created_at")
    assert body == {
        "id": str(export.pk),
        "figure": "utilization",
        "format": "csv",
        "start": "2024-01-15",
        "end": "2024-01-21",
        "venue": "office",
        "state": "waiting",
        "progress": 0,
        "finished_at": None,
        "location": f"/api/v1/analytics/exports/{export.pk}/",
        "file": None,
    }
    early = get(f"exports/{export.pk}/file/")
    assert (early.status_code, early.json()["code"]) == (409, "export_not_ready")
    assert get(query).json()["id"] == str(export.pk)
    assert exports.make_requested() == 1
    ready = get(f"exports/{export.pk}/").json()
    assert (ready["state"], ready["progress"]) == ("ready", 100)
    file = get(f"exports/{export.pk}/file/")
    assert (file.status_code, file["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert len(file.content.splitlines()) == 3
    again = get(query)
    assert (again.status_code, again.content) == (200, file.content)
    assert Export.objects.count() == 1


def test_progress_is_written_down_after_every_batch_of_rooms(get, room, small_files, monkeypatch):
    monkeypatch.setattr(reports, "BATCH_SIZE", 1)
    for number in range(3):
        Resource.objects.create(venue=room.venue, name=f"{number}")
    get(f"capacity/?{WEEK}&format=pdf")
    with CaptureQueriesContext(connection) as queries:
        assert exports.make_requested() == 1
    found = (re.search(r'SET "progress" = (\d+)', query["sql"]) for query in queries)
    assert [int(match[1]) for match in found if match] == [22, 45, 67, 90]


def test_an_unknown_export_is_not_found_and_only_staff_may_look(get, client_of, ana, room):
    nobody = "00000000-0000-0000-0000-000000000000"
    for path in (f"exports/{nobody}/", f"exports/{nobody}/file/"):
        assert (get(path).status_code, get(path).json()["code"]) == (404, "not_found")
        assert client_of(ana).get(f"/api/v1/analytics/{path}").status_code == 403
        assert client_of().get(f"/api/v1/analytics/{path}").status_code == 401


def test_an_export_whose_worker_died_is_taken_up_again(get, room, small_files):
    Resource.objects.create(venue=room.venue, name="Bob")
    pk = get(f"ghosting/?{WEEK}&format=csv").json()["id"]
    (first,) = exports.QUEUE.claim()
    assert (str(first.pk), first.attempts) == (pk, 1)
    assert exports.make_requested() == 0
    Export.objects.update(due_at=Now())
    assert exports.make_requested() == 1
    assert Export.objects.get().attempts == 2
    # the first comes back from the dead: not its file any more
    assert exports.QUEUE.leased(first).update(content=b"late") == 0
    assert not exports.QUEUE.record(first, None)


def test_an_export_that_always_fails_is_given_up_and_can_be_asked_for_again(
    get, room, small_files, monkeypatch
):
    Resource.objects.create(venue=room.venue, name="Bob")
    query = f"ghosting/?{WEEK}&venue=office&format=csv"
    pk = get(query).json()["id"]
    Venue.objects.filter(slug="office").update(slug="moved")
    for _ in range(4):
        assert exports.make_requested() == 0
        Export.objects.update(due_at=Now())
    export = Export.objects.get()
    assert (export.state, export.attempts) == ("failed", 3)
    assert export.last_error.startswith("NotFound")
    refused = get(f"exports/{pk}/file/")
    assert (refused.status_code, refused.json()["current"]) == (409, "failed")
    Venue.objects.filter(slug="moved").update(slug="office")
    assert get(query).json()["id"] != pk


def test_old_exports_are_forgotten(get, room, small_files, settings):
    Resource.objects.create(venue=room.venue, name="Bob")
    get(f"ghosting/?{WEEK}&format=csv")
    get(f"ghosting/?{WEEK}&format=pdf")
    Export.objects.filter(format="csv").update(created_at=Now() - settings.KEEP_EXPORTS)
    assert exports.prune() == 1
    assert Export.objects.get().format == "pdf"


@pytest.mark.django_db(transaction=True)
def test_two_workers_make_each_export_once(get, room, small_files):
    Resource.objects.create(venue=room.venue, name="Bob")
    for kind in ("csv", "pdf"):
        for path in ("ghosting", "capacity"):
            assert get(f"{path}/?{WEEK}&format={kind}").status_code == 202
    made = []

    def work():
        made.append(exports.make_requested())
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert sum(made) == 4
    assert set(Export.objects.values_list("state", "attempts")) == {("ready", 1)}
