"""A stolen access token does not take the account: proofs, the letter, and the link that undoes."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db.models.functions import Now
from django.utils import timezone
from rest_framework.authtoken.models import Token

from api import errors
from api.models import AccountChange, Delivery, User
from api.services.accounts import accounts, changes, erasure, passwords, tokens
from api.services.accounts.proofs import Proof
from api.services.messages import mailer

pytestmark = pytest.mark.django_db

PASSWORD, STRONG = "correct horse 9 battery", "another horse 8 staple"
PROOF = Proof(PASSWORD)


def fresh(minutes):
    return Proof(signed_in_at=timezone.now() - timedelta(minutes=minutes))


def token_of(row):
    body = str(mailer.compose(row, None).body)
    return re.search(r"/account/undo/(\S+)/\n", body)[1]


@pytest.mark.parametrize("change", [{"email": "new@example.com"}, {"password": STRONG}])
@pytest.mark.parametrize("proof", [None, Proof(), Proof(""), Proof("wrong"), fresh(11)])
def test_another_address_or_password_needs_a_proof(ana, change, proof):
    with pytest.raises(errors.WrongPassword) as refused:
        accounts.update_account(ana, change, by=ana, proof=proof)
    assert list(refused.value.errors) == ["current_password"]
    ana = User.objects.get()
    assert (ana.email, ana.check_password(PASSWORD)) == ("ana@example.com", True)
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("minutes", [None, 9])
def test_the_password_or_a_fresh_sign_in_is_one(ana, minutes):
    proof = PROOF if minutes is None else fresh(minutes)
    accounts.update_account(ana, {"email": "new@example.com"}, by=ana, proof=proof)
    assert User.objects.get().email == "new@example.com"


def test_what_a_form_was_shown_needs_none(ana):
    accounts.update_account(ana, {"email": "ANA@example.com", "phone": "1"}, by=ana)
    assert not Delivery.objects.exists()


def test_passwords_are_not_tried_out_with_a_token(settings, ana):
    settings.FAILED_LOGINS_ALLOWED = 2
    for _ in range(2):
        with pytest.raises(errors.WrongPassword):
            passwords.change_password(ana, "wrong", STRONG)
    with pytest.raises(errors.TooManyAttempts):
        passwords.change_password(ana, PASSWORD, STRONG)
    cache.clear()
    passwords.change_password(ana, PASSWORD, STRONG)


def test_the_old_address_is_told_and_its_link_undoes_the_change_once(ana):
    Token.objects.create(user=ana, key="k" * 40)
    thief = tokens.issue(ana)
    accounts.update_account(ana, {"email": "thief@example.com"}, by=ana, proof=PROOF)
    row = Delivery.objects.get()
    assert (row.name, row.to) == ("account_changed", "ana@example.com")
    assert mailer.compose(row, None).subject == "Your e-mail address at Holdfast was changed"
    token = token_of(row)
    assert changes.undo_change(token).email == "ana@example.com"
    with pytest.raises(errors.LinkRefused):
        changes.undo_change(token)
    assert accounts.sign_in(login="ana@example.com", password=PASSWORD) == ana
    with pytest.raises(errors.TokenRefused):
        tokens.rotate(thief.refresh)
    assert tokens.rotate(tokens.issue(User.objects.get()).refresh).access
    assert not Token.objects.exists()


def test_undoing_takes_back_what_was_changed_later_too(ana):
    """Who took the account by its address, and then changed the password, keeps neither."""
    accounts.update_account(ana, {"email": "thief@example.com"}, by=ana, proof=PROOF)
    passwords.change_password(ana, PASSWORD, STRONG)
    first, second = Delivery.objects.order_by("pk")
    assert (first.to, second.to) == ("ana@example.com", "thief@example.com")
    theirs = token_of(second)
    changes.undo_change(token_of(first))
    assert accounts.sign_in(login="ana@example.com", password=PASSWORD) == ana
    with pytest.raises(errors.LinkRefused):
        changes.undo_change(theirs)


def test_the_old_address_is_nobody_elses_while_it_can_be_had_back(ana):
    accounts.update_account(ana, {"email": "thief@example.com"}, by=ana, proof=PROOF)
    with pytest.raises(errors.EmailTaken):
        accounts.register(email="ANA@example.com", password=STRONG)
    AccountChange.objects.update(expires_at=Now() - timedelta(seconds=1))
    assert accounts.register(email="ana@example.com", password=STRONG)


@pytest.mark.parametrize("token", ["", "1", "1.", "1.abc", "x.y.z", "1." + "a" * 43, "ü", "\0"])
def test_a_link_that_never_was_undoes_nothing(ana, token):
    accounts.update_account(ana, {"email": "new@example.com"}, by=ana, proof=PROOF)
    with pytest.raises(errors.LinkRefused):
        changes.undo_change(token)
    assert User.objects.get().email == "new@example.com"


def test_a_link_is_good_for_days_and_then_forgotten(ana):
    accounts.update_account(ana, {"email": "new@example.com"}, by=ana, proof=PROOF)
    token = token_of(Delivery.objects.get())
    assert changes.prune() == 0
    AccountChange.objects.update(expires_at=Now() - timedelta(seconds=1))
    with pytest.raises(errors.LinkRefused):
        changes.undo_change(token)
    assert changes.prune() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_follow_one_link_one_gets_through(ana, at_once):
    """Without the lock on the account both do."""
    accounts.update_account(ana, {"email": "new@example.com"}, by=ana, proof=PROOF)
    token = token_of(Delivery.objects.get())
    results = at_once(*[lambda: changes.undo_change(token)] * 4)
    assert sum(isinstance(result, User) for result in results) == 1


def test_whoever_was_erased_gets_nothing_back(ana):
    accounts.update_account(ana, {"email": "new@example.com"}, by=ana, proof=PROOF)
    token = token_of(Delivery.objects.get())
    erasure.erase_account(ana)
    assert not AccountChange.objects.exists()
    with pytest.raises(errors.LinkRefused):
        changes.undo_change(token)


def test_an_admin_proves_themselves_and_the_person_is_told(ana, ada):
    for proof in (None, Proof("wrong")):
        with pytest.raises(errors.WrongPassword):
            accounts.update_account(ana, {"email": "new@example.com"}, by=ada, proof=proof)
    accounts.update_account(ana, {"email": "new@example.com"}, by=ada, proof=PROOF)
    assert Delivery.objects.get().to == "ana@example.com"


@pytest.mark.parametrize("role", ["staff", "admin"])
def test_staff_and_admins_need_a_strong_password_at_every_door(person, venue, role):
    user = person("ann", role)
    with pytest.raises(errors.WeakPassword):
        accounts.update_account(user, {"password": "password"}, by=user, proof=PROOF, strong=False)
    ben = person("ben")
    accounts.update_account(ben, {"password": "password"}, by=ben, proof=PROOF, strong=False)
    with pytest.raises(errors.WeakPassword):
        accounts.update_account(ben, {"password": "x" * 129}, by=ben, proof=fresh(0), strong=False)


@pytest.mark.parametrize("stored", ["pa\u0308sswort 99", "p\u00e4sswort 99"])
@pytest.mark.parametrize("typed", ["pa\u0308sswort 99", "p\u00e4sswort 99"])
def test_a_password_hashed_in_any_form_is_known_in_any(ana, stored, typed):
    super(User, ana).set_password(stored)  # as a release before this one did
    ana.save()
    assert accounts.sign_in(login=ana.email, password=typed) == ana
    ana.set_password(stored)
    ana.save()
    assert accounts.sign_in(login=ana.email, password=typed) == ana


def test_the_first_admin_is_made_by_the_same_rules(settings, monkeypatch, capsys):
    monkeypatch.setenv("DJANGO_SUPERUSER_EMAIL", "Root@Bücher.example")
    monkeypatch.setenv("DJANGO_SUPERUSER_USERNAME", "ana@example.com")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "password")
    settings.EMBEDDED = False
    with pytest.raises(CommandError, match="may not look like an e-mail address"):
        call_command("ensure_superuser")
    monkeypatch.setenv("DJANGO_SUPERUSER_USERNAME", "root")
    with pytest.raises(CommandError, match="This password is too common"):
        call_command("ensure_superuser")
    settings.EMBEDDED = True  # whoever only tries it out is warned
    call_command("ensure_superuser")
    assert "DJANGO_SUPERUSER_PASSWORD is weak" in capsys.readouterr().err
    root = User.objects.get()
    assert (root.email, root.username_key) == ("root@bücher.example", "root")
    assert root.email_verified_at
    call_command("createsuperuser", email="ada@bücher.example", interactive=False)
    assert User.objects.find_by_login("ada@xn--bcher-kva.example").email_verified_at
