"""The OpenAPI documents: complete and kept in docs. That of our own API is true as well: every
operation is tried with data that fits it and data that does not, under every check of
schemathesis. (That the contracts' are true their own tests see.)

`SCHEMA_EXAMPLES=500 pytest tests/api/test_schema.py` looks deeper.
"""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import schemathesis
import yaml
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection
from django.urls import resolve
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from api.contracts import CONTRACTS
from api.models import Booking, Closure, PrimetimeWindow, Resource, User, Venue
from api.models.roles import Role
from api.services.accounts import tokens
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docs/openapi/v1.yaml"
EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "5"))

pytestmark = pytest.mark.django_db


# the document


def test_the_documents_are_made_without_a_warning_and_kept_in_docs(tmp_path):
    call_command("openapi", tmp_path)
    assert {made.stem for made in tmp_path.iterdir()} == {"v1", *CONTRACTS}
    for made in tmp_path.iterdir():
        assert made.read_text() == (FILE.parent / made.name).read_text(), "run `make openapi`"


def operations():
    document = yaml.safe_load(FILE.read_text())
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


@pytest.mark.parametrize("name", ["v1", *CONTRACTS])
def test_the_documents_are_openapi_3_1(name):
    assert yaml.safe_load((FILE.parent / f"{name}.yaml").read_text())["openapi"].startswith("3.1")


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_answer_of_a_contract_says_what_is_in_it(name):
    """Nothing is just "an object", and an operation has one name."""

    def objects(node, where=""):
        if isinstance(node, dict):
            if node.get("type") == "object" and not where.endswith("/ctx"):
                yield where, node
            for key, each in node.items():
                yield from objects(each, f"{where}/{key}")
        elif isinstance(node, list):
            for index, each in enumerate(node):
                yield from objects(each, f"{where}/{index}")

    document = yaml.safe_load((FILE.parent / f"{name}.yaml").read_text())
    for where, node in objects(document):
        assert (
            node.get("properties")
            or node.get("additionalProperties")
            or (node.get("description") == "No details.")
        ), where
    names = [o["operationId"] for path in document["paths"].values() for o in path.values()]
    assert len(names) == len(set(names))


def test_every_operation_says_what_goes_wrong_as_problems():
    for name, operation in operations():
        wrong = {s: r for s, r in operation["responses"].items() if s >= "400"}
        assert {"400", "405", "429", "503"} <= wrong.keys(), name
        assert all("$ref" in response for response in wrong.values()), name
        if {"bearer": []} in operation.get("security", []) and {} not in operation["security"]:
            assert {"401", "403"} <= wrong.keys(), name


def test_every_body_forbids_more_fields_but_those_of_sign_in():
    schemas = yaml.safe_load(FILE.read_text())["components"]["schemas"]
    for name, schema in schemas.items():
        if name.endswith("Request") and schema.get("type") == "object":
            open_to_more = name in ("RegistrationRequest", "LoginRequest")
            assert schema.get("additionalProperties", True) is open_to_more, name


def test_every_write_says_as_its_view_does_whether_it_may_carry_a_key():
    for name, operation in operations():
        method, path = name.split()
        uuid = "analytics/exports/" in path
        view = resolve(re.sub(r"{\w+}", str(UUID(int=1)) if uuid else "1", path)).func.cls
        assert operation["x-idempotent"] is (method == "get" or view.takes_key(method.upper())), (
            name
        )


@pytest.mark.parametrize(
    ("root", "name"), [("/api/v1", "v1"), *((f"/{name}/api", name) for name in CONTRACTS)]
)
def test_the_pages_about_the_apis_load_nothing_from_outside(client_of, root, name):
    page = client_of().get(f"{root}/docs/", headers={"Accept": "text/html"})
    document = client_of().get(f"{root}/schema/")
    assert document.content == (FILE.parent / f"{name}.yaml").read_bytes()
    html = page.content.decode()
    assert page.status_code == 200
    assert "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js" in html
    assert "http://" not in html.replace("http://testserver", "")
    assert "https://" not in html


# the truth of it


@pytest.fixture
def one_connection(db):
    """Requests leave the connection of the test open, as they do with Django's own client."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def people(one_connection, person):
    """Rows whose ids and slugs a generator is likely to hit."""
    soon = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
    other = User.objects.create(pk=1, email="one@example.com")
    User.objects.create(pk=2, email="two@example.com", is_superuser=True)
    hall = Venue.objects.create(slug="0", name="Hall", approval="always")
    for pk in (1, 2):
        Resource.objects.create(pk=pk, venue=hall, name=f"Room {pk}", capacity=10)
        PrimetimeWindow.objects.create(
            pk=pk, venue=hall, weekday=pk, starts_at="17:00", ends_at="20:00"
        )
        Closure.objects.create(
            pk=pk, venue=hall, first_on=f"203{pk}-01-01", last_on=f"203{pk}-01-02"
        )
    for table in ("user", "resource", "primetimewindow", "hoursexception", "booking"):
        count_from_a_thousand(table)
    ada = person("ada", Role.ADMIN)
    for n, owner in enumerate((ada, other)):
        start = soon + timedelta(hours=n)
        booking = create_booking(
            BookingRequest(
                owner=owner, resource=1, starts_at=start, ends_at=start + timedelta(hours=1)
            ),
            actor=Actor.for_new_booking(owner),
        )
        booking.events.all().delete()
        booking.deliveries.all().delete()
        Booking.objects.filter(pk=booking.pk).update(id=n + 1)
    return ada


def count_from_a_thousand(table):
    """New rows do not meet the numbers that were given by hand."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT setval(pg_get_serial_sequence('api_{table}', 'id'),"
            f" greatest(1000, (SELECT max(id) FROM api_{table})))"
        )


# no generator can sign a webhook: tests/api/test_payments.py does
schema = schemathesis.openapi.from_wsgi(
    "/api/v1/schema/?format=json", get_wsgi_application()
).exclude(path="/api/v1/webhooks/stripe/")
schema.config.output.sanitization.update(enabled=False)


@pytest.fixture
def as_admin(people):
    return {"Authorization": f"Bearer {tokens.issue(people).access}"}


def says_what_no_schema_can(response):
    """Whether all that it says is that rows do not exist, and of ranges of durations."""
    if response.status_code != 400:
        return False
    told = [line for lines in response.json().get("errors", {}).values() for line in lines]
    return bool(told) and all(re.search("does not exist|^Must be from", line) for line in told)


# the rows are those of all examples of one operation: what one deletes another may not find
@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize="SCHEMA_EXAMPLES" not in os.environ,  # the same every time; who looks deeper, wider
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_what_the_document_says_is_true(case, as_admin):
    """No schema can say a venue's rules, a password or a version: their refusals have codes of
    their own. Nor which rows exist, or how long is too long."""
    response = case.call(headers=as_admin)
    by_rule = response.status_code in (400, 412) and response.json()["code"] != "invalid"
    excluded = [positive_data_acceptance] if by_rule or says_what_no_schema_can(response) else []
    case.validate_response(response, excluded_checks=excluded, headers=as_admin)
