"""`/api/v1/audit/`: for admins, by filters, in pages or as a file; nothing but GET."""

import csv
import io
from datetime import timedelta

import pytest

from api.models import AuditEntry

pytestmark = pytest.mark.django_db
URL = "/api/v1/audit/"


@pytest.fixture
def log(client_of, sam, ada, ana, booked, court):
    """One entry of staff about a booking, two of an admin about a resource."""
    booking = booked(ana)
    client_of(sam).post(f"/api/v1/bookings/{booking.pk}/cancel/", HTTP_X_REQUEST_ID="r-1")
    for floor in (2, 3):
        client_of(ada).patch(f"/api/v1/resources/{court.pk}/", {"floor": floor})
    return list(AuditEntry.objects.order_by("-id"))


def objects(client, query=""):
    answer = client.get(URL + query)
    assert answer.status_code == 200, answer.content
    return [entry["object"] for entry in answer.json()["results"]]


def test_entry_has_the_shape_of_the_documentation(client_of, ada, sam, log):
    body = client_of(ada).get(URL).json()
    assert (body["next"], body["previous"], len(body["results"])) == (None, None, 3)
    entry = log[2]
    assert body["results"][2] == {
        "id": entry.pk,
        "at": f"{entry.at:%Y-%m-%dT%H:%M:%S.%fZ}",
        "venue": "club",
        "actor": {"id": sam.pk, "name": "Sam Example", "kind": "staff"},
        "action": "cancel",
        "object": entry.object,
        "before": {"status": "confirmed"},
        "after": {"status": "cancelled"},
        "request_id": "r-1",
    }


def test_filters(client_of, ada, sam, log, court):
    admin = client_of(ada)
    booking, resource = log[2].object, f"resource:{court.pk}"
    assert objects(admin) == [resource, resource, booking]
    assert objects(admin, f"?object={booking}") == [booking]
    assert objects(admin, "?object=resource") == [resource, resource]
    assert objects(admin, "?object=resource:") == []
    assert objects(admin, f"?actor={sam.pk}") == [booking]
    assert objects(admin, f"?actor=user:{sam.pk}") == [booking]
    assert objects(admin, f"?actor=key:{sam.pk}") == []
    assert objects(admin, "?venue=club") == [resource, resource, booking]
    middle = f"{log[1].at:%Y-%m-%dT%H:%M:%S.%fZ}"
    assert objects(admin, f"?from={middle}") == [resource, resource]
    assert objects(admin, f"?until={middle}") == [booking]
    assert objects(admin, "?page_size=1") == [resource]


@pytest.mark.parametrize(
    "query", ["?actor=", "?actor=sam", "?actor=0", "?actor=panel:3", "?from=2030-01-01", "?until=x",
              "?format=pdf", "?object=%00", f"?actor={10**19}"],
)  # fmt: skip
def test_filter_that_cannot_be_read_is_refused(client_of, ada, query):
    answer = client_of(ada).get(URL + query)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_file_has_all_that_the_filters_leave(client_of, ada, sam, log, court):
    answer = client_of(ada).get(f"{URL}?format=csv&object=booking&page_size=1")
    assert answer["Content-Disposition"] == 'attachment; filename="audit.csv"'
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    text = answer.getvalue().decode("utf-8-sig")
    [line] = csv.DictReader(io.StringIO(text))
    assert line == {
        "id": str(log[2].pk),
        "at": line["at"],
        "venue": "club",
        "actor_id": str(sam.pk),
        "actor_name": "Sam Example",
        "actor_kind": "staff",
        "action": "cancel",
        "object": log[2].object,
        "before": '{"status":"confirmed"}',
        "after": '{"status":"cancelled"}',
        "request_id": "r-1",
    }
    # to take the log along is to look at people's data
    assert AuditEntry.objects.order_by("-id")[0].action == "export"


def test_formula_in_a_name_is_none_in_the_file(client_of, ada, log):
    ada.first_name, ada.last_name = "=1+1", ""
    ada.save()
    text = client_of(ada).get(f"{URL}?format=csv").getvalue().decode()
    assert ",'=1+1," in text


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_other_methods_are_not_allowed(client_of, ada, log, method):
    answer = getattr(client_of(ada), method)(URL, {})
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert AuditEntry.objects.count() == 3


def test_nobody_but_admins_reads_it(client_of, ana, sam, log):
    assert client_of(ana).get(URL).status_code == 403
    assert client_of(sam).get(URL).status_code == 403
    assert client_of(None).get(URL).status_code == 401


def test_erased_person_has_no_name_any_more(client_of, ada, sam, log):
    client_of(ada).delete(f"/api/v1/users/{sam.pk}/")
    [entry] = client_of(ada).get(f"{URL}?actor={sam.pk}").json()["results"]
    assert entry["actor"] == {"id": sam.pk, "name": "", "kind": "staff"}


def test_page_of_many_is_read_by_few_statements(client_of, ada, log, django_assert_max_num_queries):
    with django_assert_max_num_queries(4):
        client_of(ada).get(URL)


def test_time_of_the_entry_is_that_of_the_write(client_of, ada, log):
    assert log[0].at - log[2].at < timedelta(minutes=1)
