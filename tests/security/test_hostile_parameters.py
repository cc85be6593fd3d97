"""Whatever stands in a path or a query string is answered, and never with a 5xx: at every GET of
the six APIs, and on every page of the admin."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from django.conf import settings
from django.contrib import admin
from django.db import transaction
from django.db.models import DateField
from django.test import Client

from api.admin.bookings import BookingAdmin
from api.models import Booking, Resource

from .faces import FACES
from .routes import plain, routes
from .test_matrix import world  # noqa: F401

pytestmark = pytest.mark.django_db

# percent-encoded where bytes are meant that no text has
VALUES = [
    "%00",
    "a%00b",
    "1%00",
    "%ED%A0%80",
    "%FF%FE",
    "%F4%90%80%80",
    "",
    "-1",
    "0",
    "1e999",
    "nan",
    "%C2%B2",  # a raised two, to Python a digit and no number
    "%D9%A1",  # an Arabic one
    "9" * 19,
    "9" * 30,
    "9" * 5000,
    "0001-01-01",
    "9999-12-31",
    "2030-02-30",
    "0001-01-01T00:00:00%2B14:00",
    "9999-12-31T23:59:59-14:00",
    "10000-01-01T00:00:00Z",
    "%F0%9F%8E%BE" * 3000,
    "%5B%5D",
    "%27%22%3B--%5C%25_",
    *(quote(b64encode(text).decode()) for text in (b"p=\0", b"p=x", b"p=-9e9", b"o=" + b"9" * 30)),
]
PATHS = [value for value in VALUES if value and len(value) < 6000]


def broken(client: Any, addresses: Iterator[str]) -> list[str]:
    """The addresses that are answered with a 5xx, each asked in a transaction of its own."""
    client.raise_request_exception = False
    found = []
    for address in addresses:
        before = transaction.savepoint()
        status = client.get(address).status_code
        transaction.savepoint_rollback(before)
        if status >= 500:
            found.append(f"{status} {address[:200]}")
    return found


def declared(face: str) -> dict[str, list[str]]:
    """The query parameters that the document of a door names, by route."""
    document = yaml.safe_load(Path(settings.BASE_DIR, f"docs/openapi/{face}.yaml").read_text())
    return {
        plain(path.partition("/api/")[2].replace("{", "<").replace("}", ">")): [
            each["name"]
            for each in operations.get("get", {}).get("parameters", ())
            if each["in"] == "query"
        ]
        for path, operations in document["paths"].items()
    }


def urls(face: Any) -> Iterator[str]:
    names = {route.removeprefix("v1/"): found for route, found in declared(face.name).items()}
    for route, methods in routes(face.prefix):
        if "GET" not in methods or route.startswith(("schema", "docs")):
            continue
        path, _, query = face.path(route).partition("?")
        for name in names.pop(route, ()):
            others = "&".join(each for each in query.split("&") if not each.startswith(f"{name}="))
            yield from (f"{path}?{others}&{name}={value}" for value in VALUES)
        for value in ("%00", "9" * 30):
            unknown = ("cursor", "page", "search", "ordering", "format", "%00")
            yield f"{path}?" + "&".join(f"{name}={value}" for name in unknown)
        for number in range(route.count("{}")):
            parts = route.split("{}")
            for value in PATHS:
                filled = ["1"] * (len(parts) - 1)
                filled[number] = value
                yield face.prefix + "".join(map(str.__add__, parts, [*filled, ""]))
    assert not any(names.values()), f"no route has these parameters: {names}"


@pytest.mark.parametrize("name", FACES)
def test_no_parameter_of_an_api_breaks_it(name, world):  # noqa: F811
    face = FACES[name](world)
    assert broken(face.client(world.admin), urls(face)) == []


ON_EVERY_PAGE = [*"qpoe", "all", "_facets", "_popup", "_to_field", "_changelist_filters", "next"]
BAD = ("%00", "9" * 30)
PARTS = 6  # of what takes the longest, so that workers share it


def list_pages(model: Any, rows: Any) -> Iterator[str]:
    """The list of a model, its filters and lookups, and the form that adds a row."""
    place = f"/admin/{model._meta.label_lower.replace('.', '/')}/"
    fields = {field.name: field for field in model._meta.fields}
    dates = [name for name, field in fields.items() if isinstance(field, DateField)]
    filters = getattr(rows, "list_filter", ())
    lookups = [f"{name}__{lookup}" for name in filters for lookup in ("exact", "in", "isnull")]
    lookups += [f"{name}__year" for name in dates]
    for value in BAD:
        yield from (f"{place}?{name}={value}" for name in [*ON_EVERY_PAGE, *fields, *lookups])
        yield from (f"{place}add/?{name}={value}" for name in dates)
        yield f"{place}add/?" + "&".join(f"{name}={value}" for name in fields)
    if getattr(rows, "search_fields", ()):
        yield from (f"{place}?q={value}" for value in VALUES)


def row_pages(place: str) -> Iterator[str]:
    for page in ("change", "history", "delete"):
        yield from (f"{place}{page}/?{name}=%00" for name in ON_EVERY_PAGE)


def autocomplete() -> Iterator[str]:
    for field in BookingAdmin.autocomplete_fields:
        good = {"app_label": "api", "model_name": "booking", "field_name": field, "term": "a"}
        for name in (*good, "page"):
            others = "&".join(f"{key}={value}" for key, value in good.items() if key != name)
            yield from (f"/admin/autocomplete/?{others}&{name}={value}" for value in VALUES)


@pytest.mark.parametrize("part", range(PARTS))
def test_no_parameter_of_a_list_of_the_admin_breaks_it(part, world):  # noqa: F811
    FACES["v1"](world)
    client = Client()
    client.force_login(world.admin)
    models = sorted(admin.site._registry.items(), key=lambda item: item[0]._meta.label)
    pages = (page for model, rows in models[part::PARTS] for page in list_pages(model, rows))
    assert broken(client, pages) == []


def test_no_parameter_of_the_other_pages_of_the_admin_breaks_it(world):  # noqa: F811
    FACES["v1"](world)
    client = Client()
    client.force_login(world.admin)
    places = (route for route, _ in routes("/admin/") if "{}" in route)
    pages = [f"/admin/{place.replace('{}', value)}" for place in places for value in BAD]
    room, booking = (model.objects.values_list("pk", flat=True)[0] for model in (Resource, Booking))
    pages += [*row_pages(f"/admin/api/booking/{booking}/"), *autocomplete()]
    pages += [f"/admin/api/resource/{room}/week/?on={value}" for value in VALUES]
    assert broken(client, iter(pages)) == []
