"""The page behind the link of somebody who forgot the password, where no frontend has one. A GET
changes nothing, because mail programs look ahead; the form's POST does."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from api import errors
from api.services.accounts import passwords

GONE = "This link is not valid any more. It was used before, is too old, or is not whole."
DONE = "Your password is changed. Sign in with the new one."


@method_decorator(csrf_exempt, name="dispatch")
class PasswordPageView(View):
    """Whoever has the link needs no other credentials."""

    http_method_names = ("get", "head", "post")

    def get(self, request: HttpRequest, uid: str, token: str) -> HttpResponse:
        return self.show(ask=True)

    def post(self, request: HttpRequest, uid: str, token: str) -> HttpResponse:
        try:
            passwords.reset_password(uid, token, request.POST.get("password", ""))
        except errors.LinkRefused:
            return self.show(GONE, status=404)
        except errors.WeakPassword as refusal:
            wrong = [line for lines in refusal.errors.values() for line in lines]
            return self.show(wrong=wrong, ask=True, status=400)
        return self.show(DONE)

    def show(
        self,
        text: str = "",
        *,
        ask: bool = False,
        wrong: list[str] | None = None,
        status: int = 200,
    ) -> HttpResponse:
        context = {"text": text, "ask": ask, "wrong": wrong}
        response = render(self.request, "pages/password.html", context, status=status)
        response["Referrer-Policy"] = "no-referrer"
        return response
