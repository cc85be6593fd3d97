"""README, "V1 Endpoint Summary", first line: every answer is the standard envelope."""

import pytest

from api.queries.venues import rooms

pytestmark = pytest.mark.django_db
API = "/circletime/api"

PATHS = [
    ("post", "auth/login"),
    ("post", "auth/refresh"),
    ("get", "auth/me"),
    ("get", "rooms"),
    ("get", "rooms/{room}"),
    ("get", "rooms/{room}/bookings"),
    ("post", "bookings"),
    ("delete", "bookings/{booking}"),
    ("post", "bookings/{booking}/checkin"),
    ("post", "bookings/{booking}/end"),
    ("get", "panel/rooms/{room}/state"),
    ("post", "panel/meetings/{booking}/checkin"),
    ("post", "panel/meetings/{booking}/end"),
    ("get", "analytics/kpi"),
    ("get", "analytics/utilization"),
    ("get", "analytics/ghosting"),
    ("get", "analytics/capacity"),
    ("get", "rooms/{room}/availability"),
    ("get", "buildings"),
    ("get", "buildings/x/floors/1"),
    ("get", "bookings/{booking}"),
    ("put", "bookings/{booking}"),
    ("post", "bookings/{booking}/extend"),
    ("get", "rooms/{room}/state"),
    ("post", "meetings/{booking}/checkin"),
    ("post", "meetings/{booking}/end"),
    ("get", "analytics/heatmap"),
    ("get", "analytics/rooms/compare"),
    ("get", "analytics/trends"),
    ("get", "analytics/ghosting/departments"),
    ("get", "analytics/export"),
]


@pytest.mark.prefix_only
@pytest.mark.parametrize(("method", "path"), PATHS)
def test_a_path_answers_alike_with_and_without_its_last_slash(
    as_, ada, ana, room, met, method, path
):
    path = path.format(room=room.pk, booking=met(ana, 120).pk)
    answers = []
    for slash in ("", "/"):
        answer = getattr(as_(None), method)(f"{API}/{path}{slash}")
        answers.append((answer.status_code, answer.json()))
        assert isinstance(answer.json()["success"], bool)
    assert answers[0] == answers[1]
    assert answers[0][0] < 500
    refused = as_(ada).patch(f"{API}/{path}")
    assert (refused.status_code, refused.json()) == (
        405,
        {
            "success": False,
            "message": "This method is not allowed here.",
            "code": "method_not_allowed",
        },
    )


@pytest.mark.prefix_only
@pytest.mark.parametrize("path", ["", "nowhere", "rooms/1/2/3", "bookings/1/postpone"])
def test_any_other_path_is_not_found_in_the_envelope(as_, path):
    answer = as_(None).get(f"{API}/{path}")
    assert (answer.status_code, answer.json()) == (
        404,
        {"success": False, "message": "There is nothing at this address.", "code": "not_found"},
    )


def test_a_bug_is_told_in_the_envelope_too(as_, ana, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(rooms, "search_rooms", broken)
    client = as_(ana)
    client.raise_request_exception = False
    answer = client.get(f"{API}/rooms")
    assert (answer.status_code, answer.json()) == (
        500,
        {
            "success": False,
            "message": "Something went wrong on our side.",
            "code": "internal_error",
        },
    )


def test_too_large_a_body_is_refused_in_the_envelope(as_, ana, room, settings):
    settings.MAX_BODY_BYTES = 100
    answer = as_(ana).post(f"{API}/bookings", {"title": "x" * 200})
    assert (answer.status_code, answer.json()["success"]) == (413, False)
