"""People: who gets an address, who may change what, and what is left of somebody erased."""

from datetime import timedelta
from functools import partial

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.tokens import default_token_generator
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from rest_framework.authtoken.models import Token

from api import errors
from api.lifecycle import Status
from api.models import Booking, Delivery, IdempotencyKey, Trade, User, UserProfile
from api.models.outbox import State
from api.models.roles import Role
from api.services.accounts import accounts, erasure, passwords, tokens
from api.services.accounts.proofs import Proof
from api.services.actors import Actor
from api.services.messages import mailer, outbox

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse 9 battery"
STRONG = "another horse 8 staple"


def link(user):
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return uid, default_token_generator.make_token(user)


# register


def test_whoever_registers_is_nobody_anywhere_whatever_they_ask_for():
    user = accounts.register(
        email=" Eve@Example.COM ", password=STRONG, role="admin", is_superuser=True, is_active=False
    )
    user.refresh_from_db()
    assert (user.email, user.is_superuser, user.roles) == ("eve@example.com", False, {})
    assert user.is_active
    assert user.check_password(STRONG)
    assert user.profile.profile_picture is None


def test_an_address_has_one_account_whatever_its_letters(ana):
    with pytest.raises(errors.EmailTaken) as refused:
        accounts.register(email="ANA@example.com", password=STRONG)
    assert refused.value.errors == {"email": ["This e-mail address already has an account."]}
    assert User.objects.count() == 1


def test_a_username_is_unique_whatever_its_letters(person):
    person("ana", username="Champion")
    with pytest.raises(errors.UsernameTaken):
        accounts.register(email="username@example.com", password=STRONG, username="champion")
    assert User.objects.count() == 1


@pytest.mark.parametrize("password", ["short", "12345678901", "password", "eve@example.com"])
def test_a_weak_password_is_refused(password):
    with pytest.raises(errors.WeakPassword):
        accounts.register(email="eve@example.com", password=password)
    assert not User.objects.exists()


@pytest.mark.parametrize("email", ["eve", "eve@", "@example.com", "e ve@example.com", "e\0@x.de"])
def test_what_is_no_address_is_refused(email):
    with pytest.raises(errors.Invalid):
        accounts.register(email=email, password=STRONG)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_register_one_address_at_once_one_gets_it(at_once):
    """With the unique constraint of the column dropped, every one of them gets an account."""
    results = at_once(*[lambda: accounts.register(email="eve@example.com", password=STRONG)] * 6)
    assert sum(isinstance(result, User) for result in results) == 1
    assert sum(isinstance(result, errors.EmailTaken) for result in results) == 5
    assert User.objects.count() == UserProfile.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_race_for_a_username_is_distinguished_from_one_for_an_address(at_once):
    names = ("username@example.com", "email@example.com")
    results = at_once(
        *[lambda e=e: accounts.register(email=e, password=STRONG, username="Al") for e in names]
    )
    assert sorted(type(result) for result in results if isinstance(result, Exception)) == [
        errors.UsernameTaken
    ]


# sign in


def test_one_signs_in_by_address_or_username_whatever_their_letters(person):
    ana = person("ana", username="Champion")
    for login in ("ana@example.com", " ANA@example.com", "champion", "CHAMPION"):
        assert accounts.sign_in(login=login, password=PASSWORD) == ana


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("ana@example.com", "wrong"),
        ("nobody@example.com", PASSWORD),
        ("ana@example.com", ""),
        ("", PASSWORD),
        ("ana\0@example.com", PASSWORD),
        ("ana@example.com", "\0"),
    ],
)
def test_whatever_is_wrong_with_a_sign_in_is_refused_alike(ana, login, password):
    with pytest.raises(errors.WrongCredentials):
        accounts.sign_in(login=login, password=password)


def test_somebody_switched_off_does_not_sign_in(ana):
    User.objects.update(is_active=False)
    with pytest.raises(errors.WrongCredentials):
        accounts.sign_in(login=ana.email, password=PASSWORD)


def test_a_username_may_look_like_ones_own_address_and_no_others(ana, ben):
    ana = accounts.update_account(ana, {"username": "Ana@Example.com"}, by=ana)
    assert accounts.sign_in(login="ANA@example.com", password=PASSWORD) == ana
    for name in ("ana@example.com", "nobody@example.com", "a＠b"):
        with pytest.raises(errors.Invalid) as refused:
            accounts.update_account(ben, {"username": name}, by=ben)
        assert list(refused.value.errors) == ["username"]
        ben.refresh_from_db()
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=ben.pk).update(username_key="nobody@example.com")
    moved = {"email": "anna@example.com"}
    accounts.update_account(ana, moved, by=ana, proof=Proof(PASSWORD))
    assert User.objects.get(pk=ana.pk).username == "anna@example.com"


def test_failures_block_that_account_at_that_address_alone(settings, ana, ben):
    settings.FAILED_LOGINS_ALLOWED = 2
    for _ in range(2):
        with pytest.raises(errors.WrongCredentials):
            accounts.sign_in(login=ana.email, password="wrong", address="10.0.0.1")
    with pytest.raises(errors.TooManyAttempts) as refused:
        accounts.sign_in(login=ana.email.upper(), password=PASSWORD, address="10.0.0.1")
    assert refused.value.retry_after == 15 * 60
    assert accounts.sign_in(login=ana.email, password=PASSWORD, address="10.0.0.2") == ana
    assert accounts.sign_in(login=ben.email, password=PASSWORD, address="10.0.0.1") == ben
    cache.clear()  # the window is over
    assert accounts.sign_in(login=ana.email, password=PASSWORD, address="10.0.0.1") == ana


def test_a_login_of_any_length_and_letters_can_be_counted(ana):
    for login in ("x" * 5000, "tab\tand\nline", "ü" * 300):
        with pytest.raises(errors.WrongCredentials):
            accounts.sign_in(login=login, password="wrong", address="10.0.0.1")


# passwords


def test_a_new_password_needs_the_old_one(ana):
    with pytest.raises(errors.WrongPassword):
        passwords.change_password(ana, "wrong", STRONG)
    with pytest.raises(errors.WeakPassword):
        passwords.change_password(ana, PASSWORD, "ana")
    ana.refresh_from_db()
    assert ana.check_password(PASSWORD)
    passwords.change_password(ana, PASSWORD, STRONG)
    ana.refresh_from_db()
    assert ana.check_password(STRONG)


def test_a_reset_is_queued_for_a_known_address_and_nothing_is_said_of_others(ana):
    passwords.request_password_reset(" ANA@example.com")
    passwords.request_password_reset("nobody@example.com")
    row = Delivery.objects.get()
    assert (row.name, row.to, row.payload) == ("password_reset", ana.email, {"user": ana.pk})
    body = str(mailer.compose(row, None).body)
    assert "/password-reset/" in body


def test_a_link_sets_a_password_once(ana):
    uid, token = link(ana)
    assert passwords.reset_password(uid, token, STRONG) == ana
    with pytest.raises(errors.LinkRefused):
        passwords.reset_password(uid, token, STRONG + "2")
    ana.refresh_from_db()
    assert ana.check_password(STRONG)


@pytest.mark.parametrize("uid", ["", "!", "AAAA", "_w", "MTAwMDAwMDAwMDAwMDAwMDAwMDAwMA", "MQ=="])
def test_a_link_that_never_was_is_refused(ana, uid):
    with pytest.raises(errors.LinkRefused):
        passwords.reset_password(uid, link(ana)[1], STRONG)
    ana.refresh_from_db()
    assert ana.check_password(PASSWORD)


def test_a_link_is_good_for_an_hour(ana, settings):
    uid, token = link(ana)
    settings.PASSWORD_RESET_TIMEOUT = -1
    with pytest.raises(errors.LinkRefused):
        passwords.reset_password(uid, token, STRONG)


@pytest.mark.django_db(transaction=True)
def test_one_link_followed_twice_at_once_sets_one_password(ana, at_once):
    """Without the lock on the account both get through, and the later one wins."""
    uid, token = link(ana)
    results = at_once(
        *[lambda n=n: passwords.reset_password(uid, token, f"{STRONG} {n}") for n in range(4)]
    )
    assert sum(isinstance(result, User) for result in results) == 1
    winner = next(n for n, result in enumerate(results) if isinstance(result, User))
    ana.refresh_from_db()
    assert ana.check_password(f"{STRONG} {winner}")


# edit


def test_people_change_what_is_theirs_and_nothing_more(ana, ada):
    accounts.update_account(
        ana,
        {"first_name": "Anna", "username": "", "email": "Anna@Example.com"},
        by=ana,
        proof=Proof(PASSWORD),
    )
    ana.refresh_from_db()
    assert (ana.first_name, ana.username, ana.email) == ("Anna", None, "anna@example.com")
    for power in ({"is_superuser": True}, {"is_active": False}):
        with pytest.raises(errors.Forbidden):
            accounts.update_account(ana, power, by=ana)
    ana.refresh_from_db()
    assert (ana.is_superuser, ana.is_active) == (False, True)


def test_an_address_or_name_of_somebody_else_is_refused(ana, person):
    person("ben", username="Ben")
    with pytest.raises(errors.EmailTaken):
        accounts.update_account(ana, {"email": "BEN@example.com"}, by=ana, proof=Proof(PASSWORD))
    with pytest.raises(errors.UsernameTaken):
        accounts.update_account(User.objects.get(pk=ana.pk), {"username": "ben"}, by=ana)
    ana.refresh_from_db()
    assert (ana.email, ana.username) == ("ana@example.com", None)


def test_an_edit_writes_what_was_asked_for_and_not_what_it_had_read(ana):
    """Writing the whole row would bring the old password back."""
    stale = User.objects.get(pk=ana.pk)
    passwords.change_password(ana, PASSWORD, STRONG)
    accounts.update_account(stale, {"first_name": "Anna"}, by=stale)
    ana.refresh_from_db()
    assert ana.check_password(STRONG)
    assert ana.first_name == "Anna"


@pytest.mark.parametrize("changes", [{"is_superuser": False}, {"is_active": False}])
def test_the_last_operator_stays_one(ada, sam, changes):
    with pytest.raises(errors.Forbidden):
        accounts.update_account(ada, changes, by=ada)
    with pytest.raises(errors.Forbidden):
        erasure.erase_account(ada)
    ada.refresh_from_db()
    assert (ada.is_operator, ada.is_active, ada.erased_at) == (True, True, None)


@pytest.mark.django_db(transaction=True)
def test_of_two_operators_who_take_it_from_each_other_at_once_one_stays(person, at_once):
    """With a lock on the one row alone, both see the other and nobody is left."""
    for _ in range(5):
        User.objects.all().delete()
        first, second = person("ada", Role.ADMIN), person("ado", Role.ADMIN)
        results = at_once(
            partial(accounts.update_account, second, {"is_superuser": False}, by=first),
            partial(accounts.update_account, first, {"is_superuser": False}, by=second),
        )
        assert sum(isinstance(result, errors.Forbidden) for result in results) == 1
        assert User.objects.filter(is_superuser=True).count() == 1


# erase


def dump():
    """Every row of every table as text."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        lines = []
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            lines += [f"{table}: {row}" for (row,) in cursor.fetchall()]
    return lines


def test_nothing_in_the_whole_database_names_somebody_erased(
    booked, ana, ben, sam, ada, client_of, court
):
    User.objects.filter(pk=ana.pk).update(
        first_name="Anastasia", last_name="Quixote", phone="+49 30 1234", username="quixote99"
    )
    ana.refresh_from_db()
    ahead = booked(ana, title="Anastasia's party", notes="for Quixote", attendees=[ben])
    bookings_of_ana = [ahead, booked(ana, hours=2, title="Quixote")]
    his = booked(ben, hours=4)
    Trade.objects.create(
        requester=ana,
        target=ben,
        requester_booking=ahead,
        target_booking=his,
        message="Anastasia would like yours",
        lapses_at=ahead.starts_at,
    )
    passwords.request_password_reset(ana.email)
    tokens.rotate(tokens.issue(ana).refresh)
    Token.objects.create(user=ana, key="k" * 40)
    LogEntry.objects.create(
        user=ada,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(ana.pk),
        object_repr=str(ana),
        action_flag=CHANGE,
        change_message=f"Changed {ana.email}",
    )
    for user in (ana, sam):
        made = client_of(user).patch(
            f"/api/v1/bookings/{ahead.pk}/",
            {"title": "Anastasia"},
            headers={"Idempotency-Key": f"k-{user.pk}"},
        )
        assert made.status_code == 200
    words = ("ana@example.com", "anastasia", "quixote", "+49 30 1234")
    found = [line for line in dump() if any(word in line.lower() for word in words)]
    assert len(found) > 8  # the search finds what is there

    erasure.erase_account(ana)

    found = [line for line in dump() if any(word in line.lower() for word in words)]
    assert found == []
    assert not Token.objects.exists()
    gone = User.objects.get(pk=ana.pk)
    assert (gone.is_active, gone.has_usable_password(), gone.email[:7]) == (False, False, "erased-")
    for booking in bookings_of_ana:
        booking.refresh_from_db()
        assert (booking.status, booking.owner) == (Status.CANCELLED, gone)
    his.refresh_from_db()
    assert his.status == Status.CONFIRMED


@pytest.mark.django_db(transaction=True)
def test_emails_to_somebody_erased_are_withheld_and_emails_to_others_go_out(
    booked, ana, venue, settings
):
    venue.approval, venue.admin_email = "always", "desk@example.com"
    venue.save()
    booked(ana)
    erasure.erase_account(ana)
    rows = Delivery.objects.order_by("id").values_list("name", "to", "state")
    assert list(rows) == [
        ("pending", "", State.WITHHELD),
        ("request_waiting", "desk@example.com", State.WAITING),
        ("cancelled", "", State.WITHHELD),
    ]
    assert outbox.deliver(["email"], mailer.send) == 0  # and that one's cause is gone
    assert Delivery.objects.get(name="request_waiting").state == State.WITHHELD


def test_erasing_keeps_what_is_over_as_it_is_and_may_be_asked_twice(booked, ana):
    over = booked(ana, title="Old")
    Booking.objects.update(completes_at=Now() - timedelta(hours=1))
    erasure.erase_account(ana)
    first = User.objects.get().email
    erasure.erase_account(ana)
    over.refresh_from_db()
    assert (over.status, over.title) == (Status.CONFIRMED, "")
    assert User.objects.get().email == first


def test_an_address_is_free_again_after_its_owner_was_erased(ana):
    erasure.erase_account(ana)
    assert accounts.register(email="ana@example.com", password=STRONG).pk != ana.pk


def test_erasing_leaves_other_peoples_answers(ana, ben):
    for n, email in enumerate(("ana@example.com", "ben@example.com")):
        IdempotencyKey.objects.create(
            scope="address:1", key=str(n), fingerprint="f", status=201, body={"email": email}
        )
    erasure.erase_account(ana)
    assert list(IdempotencyKey.objects.values_list("body", flat=True)) == [
        {"email": "ben@example.com"}
    ]


def test_an_actor_is_seen_from_the_booking(booked, ana, ben, sam):
    booking = booked(ana)
    assert [Actor.for_booking(user, booking).by.value for user in (ana, ben, sam)] == [
        "owner",
        "member",
        "staff",
    ]
