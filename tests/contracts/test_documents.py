"""The check that all contract tests go through notices what it is there for."""

import pytest

from tests.support import openapi

pytestmark = pytest.mark.prefix_only

PERSON = b'{"id": 1, "username": "a", "email": "", "first_name": "", "last_name": "", "phone": "",'
PERSON += b' "is_admin": false, "is_staff_member": false, "is_active": true}'
ME = ("paths", "/api/auth/me/", "get", "responses", "200")


def check(body):
    openapi.fits(openapi.validator("barbershop", ME), body, "me")


def test_what_is_as_the_document_says_passes():
    check(PERSON)


@pytest.mark.parametrize(
    ("was", "now"),
    [(b'"id": 1', b'"id": "1"'), (b'"id": 1', b'"id": 1, "age": 7'), (b'"id": 1, ', b"")],
    ids=["another type", "one key more", "one key less"],
)
def test_what_is_otherwise_fails(was, now):
    with pytest.raises(AssertionError, match="me at /"):
        check(PERSON.replace(was, now))
