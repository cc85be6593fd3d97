"""`Authorization` as RFC 9110 has it."""

import pytest

from api.rest.authorization import read_credentials


@pytest.mark.parametrize(
    ("header", "scheme", "token"),
    [
        ("Bearer a.b.c", "bearer", "a.b.c"),
        ("bEARER a.b.c", "bearer", "a.b.c"),
        ("Bearer    a.b.c  ", "bearer", "a.b.c"),
        ("Basic YTpi==", "basic", "YTpi=="),
        ("Bearer", "bearer", ""),
        ("Bearer ", "bearer", ""),
        ("Bearer\ta", "bearer", ""),
        ("Bearer\u00a0a", "bearer", ""),
        ("Bearer a b", "bearer", ""),
        ("Bearer a,Bearer b", "bearer", ""),
        ("Bearer a, Bearer b", "bearer", ""),
        ("Bearer,Bearer b", "bearer", ""),
        ('Bearer "a"', "bearer", ""),
        ("Bearer \u00fc", "bearer", ""),
        ("", "", ""),
    ],
)
def test_one_scheme_and_one_token_count(header, scheme, token):
    assert read_credentials(header) == (scheme, token)
