"""Access and refresh tokens: single use, separate secrets, ended by a new password."""

import time
from datetime import timedelta

import jwt
import pytest
from django.conf import settings as configured
from django.db.models.functions import Now
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from api.errors import TokenRefused
from api.models import User
from api.services.accounts import erasure, passwords, tokens
from api.services.accounts.tokens import Access, Refresh, TokenPair

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse 9 battery"
ME = "/api/v1/auth/me/"


def refusal(call, *args):
    with pytest.raises(TokenRefused) as refused:
        call(*args)
    return refused.value.reason


def test_a_pair_names_its_person_and_its_contract(ana):
    pair = tokens.issue(ana, "primetime")
    assert tokens.read(pair.refresh)["contract"] == "primetime"
    assert tokens.peek(pair.access)["user_id"] == str(ana.pk)
    assert pair.max_age == 7 * 24 * 3600
    assert not OutstandingToken.objects.exists()  # only used ones are remembered


def test_a_refresh_token_is_used_once(ana):
    first = tokens.issue(ana)
    second = tokens.rotate(first.refresh)
    assert second.user == ana
    assert refusal(tokens.rotate, first.refresh) == "revoked"
    assert tokens.rotate(second.refresh).contract == "v1"


@pytest.mark.django_db(transaction=True)
def test_of_many_tabs_with_one_refresh_token_exactly_one_gets_through(ana, at_once):
    """Not looking at what the blacklist's insert says lets every one of them through."""
    for _ in range(3):
        raw = tokens.issue(ana).refresh
        results = at_once(*[lambda raw=raw: tokens.rotate(raw)] * 8)
        assert sum(isinstance(result, TokenPair) for result in results) == 1
        others = [result for result in results if not isinstance(result, TokenPair)]
        assert [type(other) for other in others] == [TokenRefused] * 7
        assert {other.reason for other in others} == {"revoked"}
    assert BlacklistedToken.objects.count() == 3


def test_renewing_the_access_alone_leaves_the_refresh_token(ana):
    pair = tokens.issue(ana)
    again = tokens.renew_access(pair.refresh)
    assert again.refresh == pair.refresh
    assert tokens.renew_access(pair.refresh).access


def test_what_is_no_refresh_token_is_refused_with_what_is_the_matter(ana):
    pair = tokens.issue(ana)
    expired = Refresh(pair.refresh)
    expired.set_exp(lifetime=-timedelta(seconds=1))
    forged = jwt.encode(tokens.peek(pair.refresh), "x" * 40, "HS256")
    unsigned = jwt.encode(tokens.peek(pair.refresh), "", "none")
    access = tokens.peek(pair.access)
    mislabelled = jwt.encode(access, configured.JWT_REFRESH_SECRET, "HS256")
    for raw, reason in (
        (None, "missing"),
        ("", "missing"),
        (["a"], "missing"),
        ("a.b.c", "invalid"),
        ("ü" * 10, "invalid"),
        ("\0", "invalid"),
        ("x" * 10_000, "invalid"),
        (str(expired), "expired"),
        (forged, "invalid"),
        (unsigned, "invalid"),
        (pair.access, "invalid"),
        (mislabelled, "type"),
    ):
        assert refusal(tokens.rotate, raw) == reason, raw
    assert not BlacklistedToken.objects.exists()


def test_the_two_kinds_have_secrets_of_their_own(ana, client_of):
    """An access token signed with the secret of the other kind opens nothing."""
    assert configured.JWT_ACCESS_SECRET != configured.JWT_REFRESH_SECRET
    pair, client = tokens.issue(ana), client_of()
    claims = tokens.peek(pair.access)
    crossed = jwt.encode(claims, configured.JWT_REFRESH_SECRET, "HS256")
    with pytest.raises(TokenError):
        Access(crossed)
    for raw in (crossed, pair.refresh):
        answer = client.get(ME, headers={"Authorization": f"Bearer {raw}"})
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert client.get(ME, headers={"Authorization": f"Bearer {pair.access}"}).status_code == 200


def test_a_token_that_was_good_is_so_until_it_expires(ana, client_of):
    """Never ends when the kept token's time is not looked at."""
    client = client_of()
    assert client.get(ME).status_code == 401  # the first request of a process takes its time
    token = Access.for_user(ana)
    token.set_exp(lifetime=timedelta(seconds=4))
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    statuses = [client.get(ME).status_code]
    until = time.monotonic() + 20
    while statuses[-1] == 200 and time.monotonic() < until:
        statuses.append(client.get(ME).status_code)
    assert (statuses[0], statuses[-1]) == (200, 401)
    assert time.time() >= token["exp"]


def test_a_new_password_ends_every_session(ana, client_of):
    pair, client = tokens.issue(ana), client_of(ana)
    assert client.get(ME).status_code == 200
    passwords.change_password(ana, PASSWORD, "another horse 8 staple")
    assert client.get(ME).status_code == 401
    assert refusal(tokens.rotate, pair.refresh) == "revoked"
    assert refusal(tokens.renew_access, pair.refresh) == "revoked"


@pytest.mark.parametrize("end", ["off", "erased"])
def test_somebody_who_is_gone_has_no_session(ana, client_of, end):
    pair, client = tokens.issue(ana), client_of(ana)
    if end == "off":
        User.objects.update(is_active=False)
    else:
        erasure.erase_account(ana)
    assert client.get(ME).status_code == 401
    assert refusal(tokens.rotate, pair.refresh) == "user"


def grow_old(raw):
    """The tests move the row, not the clock."""
    used = BlacklistedToken.objects.filter(token__jti=tokens.peek(raw)["jti"])
    assert used.update(blacklisted_at=Now() - tokens.REUSE_GRACE - timedelta(seconds=1)) == 1


def test_the_tab_that_comes_second_takes_nothing_from_the_first(ana):
    """With no time between a used token and a stolen one the winner is signed out by the loser."""
    first = tokens.issue(ana)
    second = tokens.rotate(first.refresh)
    assert refusal(tokens.rotate, first.refresh) == "revoked"
    third = tokens.rotate(second.refresh)
    assert refusal(tokens.rotate, first.refresh) == "revoked"
    assert tokens.rotate(third.refresh).user == ana


@pytest.mark.parametrize("bring", [tokens.rotate, tokens.renew_access])
def test_a_token_that_comes_back_later_ends_its_family_and_no_other(ana, bring):
    """Without the family whoever stole a token and was the first to use it stays signed in."""
    first, elsewhere = tokens.issue(ana), tokens.issue(ana)
    second = tokens.rotate(first.refresh)
    third = tokens.rotate(second.refresh)
    grow_old(first.refresh)
    assert tokens.read(third.refresh)
    assert refusal(bring, first.refresh) == "revoked"
    assert refusal(bring, third.refresh) == "revoked"
    assert refusal(tokens.rotate, third.refresh) == "revoked"
    assert tokens.rotate(elsewhere.refresh).user == ana
    tokens.prune_blacklist()
    assert refusal(tokens.rotate, third.refresh) == "revoked"


def test_a_token_from_before_there_were_families_ends_nothing_and_founds_one(ana):
    old = Refresh(tokens.issue(ana).refresh)
    del old["family"]
    other = Refresh(tokens.issue(ana).refresh)
    del other["family"]
    founded = tokens.read(tokens.rotate(str(old)).refresh)
    assert founded.family
    grow_old(str(old))
    assert refusal(tokens.rotate, str(old)) == "revoked"
    tokens.revoke(str(old))
    assert tokens.rotate(str(founded)).user == ana
    assert tokens.rotate(str(other)).user == ana


def test_signing_out_ends_what_another_tab_has_made_of_the_token_meanwhile(ana):
    brought = tokens.issue(ana)
    rotated = tokens.rotate(brought.refresh)
    tokens.revoke(brought.refresh)
    assert refusal(tokens.rotate, rotated.refresh) == "revoked"


def test_signing_out_uses_the_refresh_token_up_and_never_fails(ana):
    pair = tokens.issue(ana)
    for raw in (pair.refresh, pair.refresh, "nonsense", None):
        tokens.revoke(raw)
    assert refusal(tokens.rotate, pair.refresh) == "revoked"


def test_forgotten_are_tokens_that_would_expire_anyway(ana):
    tokens.revoke(tokens.issue(ana).refresh)
    used = tokens.issue(ana).refresh
    tokens.revoke(used)
    OutstandingToken.objects.filter(jti=tokens.peek(used)["jti"]).update(
        expires_at="2020-01-01T00:00:00Z"
    )
    tokens.prune_blacklist()
    assert OutstandingToken.objects.count() == BlacklistedToken.objects.count() == 1
