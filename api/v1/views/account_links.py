"""The pages behind the links of letters about an account. A GET changes nothing, because mail
programs look ahead; the button's POST does. Whoever has the link needs no other credentials."""

from __future__ import annotations

from itertools import chain
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from api import errors
from api.services.accounts import accounts, changes, links, verification

GONE = ("This link is not valid any more", "It was used before, is too old, or is not whole.")


@method_decorator(csrf_exempt, name="dispatch")
class LinkView(View):
    http_method_names = ("get", "head", "post")
    question: ClassVar[tuple[str, str, str]]  # title, text, button
    answer: ClassVar[tuple[str, str]]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self.show(*self.question) if self.is_good(token) else self.show(*GONE, status=404)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            self.follow(token)
        except errors.LinkRefused:
            return self.show(*GONE, status=404)
        return self.show(*self.answer)

    def is_good(self, token: str) -> bool:
        raise NotImplementedError

    def follow(self, token: str) -> Any:
        """Raises `LinkRefused`."""
        raise NotImplementedError

    def show(
        self, title: str, text: str, button: str = "", status: int = 200, fields: bool = False
    ) -> HttpResponse:
        context = {"title": title, "text": text, "button": button, "fields": fields}
        response = render(self.request, "account/link.html", context, status=status)
        response["Referrer-Policy"] = "no-referrer"
        return response


class UndoChangeView(LinkView):
    question = (
        "Undo the change of your account?",
        "It gets back the address and password that it had, and everybody is signed out of it.",
        "Undo the change",
    )
    answer = (
        "The change is undone",
        "Sign in with the address and password from before. Choose a new one if others know it.",
    )

    def is_good(self, token: str) -> bool:
        return changes.find_change(token) is not None

    def follow(self, token: str) -> Any:
        changes.undo_change(token)


class JoinView(LinkView):
    """Of an invitation. Who has no account with the address makes one here."""

    question = (
        "Accept the invitation?",
        "You become one of the venue's people.",
        "Accept the invitation",
    )
    answer = ("Welcome", "You are one of the venue's people now. Sign in with this address.")

    def is_good(self, token: str) -> bool:
        return links.find_invitation(token) is not None

    def show(
        self, title: str, text: str, button: str = "", status: int = 200, fields: bool = False
    ) -> HttpResponse:
        invitation = links.find_invitation(self.kwargs["token"])
        if button and invitation:
            text = f"{text} {invitation.venue.name}, {invitation.email}."
            fields = not accounts.has_account(invitation.email)
        return super().show(title, text, button, status, fields)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            return super().post(request, token)
        except errors.Invalid as refusal:  # the password that was chosen
            text = " ".join(chain(*refusal.errors.values()))
            return self.show(self.question[0], text, self.question[2], status=400)

    def follow(self, token: str) -> Any:
        names = ("first_name", "last_name", "password")
        accounts.accept_by_link(token, **{name: self.request.POST.get(name, "") for name in names})


class ConfirmAddressView(LinkView):
    question = (
        "Is this address yours?",
        "If you say so, messages about your bookings come in full.",
        "Yes, it is mine",
    )
    answer = ("Thank you", "Your address is confirmed.")

    def is_good(self, token: str) -> bool:
        return verification.find_user(token) is not None

    def follow(self, token: str) -> Any:
        verification.confirm_address(token)
