"""The forms of accounts: the rules of addresses, names and passwords are those of every door."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.http import HttpRequest
from unfold.forms import AdminOwnPasswordChangeForm, AdminPasswordChangeForm, UserChangeForm
from unfold.widgets import UnfoldAdminPasswordWidget

from api import errors
from api.models import User
from api.models.identifiers import build_key
from api.services.accounts import accounts, passwords
from api.services.accounts.changes import record_change
from api.services.accounts.proofs import Proof, require_proof


@contextmanager
def refusals_as_errors() -> Iterator[None]:
    """Turns a refusal of a service into errors of the form."""
    try:
        yield
    except errors.Invalid as refusal:
        raise ValidationError({name: list(said) for name, said in refusal.errors.items()}) from None
    except errors.Refusal as refusal:
        raise ValidationError(refusal.detail) from None


class _CurrentPasswordForm(forms.Form):
    """Asks for the password of whoever uses it, unless they signed in a few minutes ago."""

    request: HttpRequest  # set by the admin
    current_password = forms.CharField(
        required=False,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "current-password"}),
        label="Your own password",
        help_text="Needed for another address or password, unless you signed in just now.",
    )

    def check_proof(self) -> None:
        user: Any = self.request.user
        with refusals_as_errors():
            given = self.cleaned_data.get("current_password") or None
            require_proof(user, Proof(given, user.last_login))


class _AccountForm(forms.ModelForm):
    def clean_email(self) -> str:
        with refusals_as_errors():
            return accounts.normalize_email(self.cleaned_data["email"])

    def check_identifiers(self) -> None:
        """Raise `ValidationError` for what somebody else has, or nobody could."""
        draft = User(pk=self.instance.pk, email=self.cleaned_data.get("email", ""))
        draft.username = self.cleaned_data.get("username") or None
        with refusals_as_errors():
            accounts.check_identifiers(draft)


class UserCreationForm(_AccountForm):
    password = forms.CharField(strip=False, widget=UnfoldAdminPasswordWidget)

    class Meta:
        model = User
        fields = ("email", "first_name", "last_name")

    def clean(self) -> Any:
        cleaned = super().clean()
        draft = User(**{n: v for n, v in self.cleaned_data.items() if n != "password"})
        with refusals_as_errors():
            passwords.validate_password(self.cleaned_data.get("password", ""), draft)
        self.check_identifiers()
        return cleaned

    def save(self, commit: bool = True) -> Any:
        """The admin vouches for the address."""
        user = super().save(commit=False)
        user.set_password(self.cleaned_data["password"])
        user.email_verified_at = Now()
        if commit:
            user.save()
        return user


class PersonForm(_AccountForm, _CurrentPasswordForm, UserChangeForm):
    class Meta(UserChangeForm.Meta):
        field_classes: ClassVar[dict[str, Any]] = {}  # Django's field breaks on a username left out

    def clean(self) -> Any:
        cleaned = super().clean()
        self.check_identifiers()
        if self.moves:
            self.check_proof()
        return cleaned

    @property
    def moves(self) -> bool:
        """Whether the account gets another address."""
        before = User.objects.get(pk=self.instance.pk).email_key
        return build_key(self.cleaned_data.get("email", "")) not in ("", before)

    def save(self, commit: bool = True) -> Any:
        user = super().save(commit=False)
        if self.moves:
            record_change(user, "e-mail address")
            user.email_verified_at = None
        if commit:
            user.save()
        return user


class PasswordForm(_CurrentPasswordForm, AdminPasswordChangeForm):
    def clean(self) -> Any:
        self.check_proof()
        return super().clean()

    @transaction.atomic
    def save(self, commit: bool = True) -> Any:
        record_change(self.user, "password")
        passwords.end_sessions(self.user)
        return super().save(commit)


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    @transaction.atomic
    def save(self, commit: bool = True) -> Any:
        record_change(self.user, "password")
        passwords.end_sessions(self.user)
        return super().save(commit)
