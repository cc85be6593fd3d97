"""How a refusal reads here: one total function from the core's refusals to this contract's words.

Where the README wants an empty body there is none; what is wrong with a request as a whole is
`non_field_errors`, what is wrong with the moment is `error`.
"""

from __future__ import annotations

from collections.abc import Mapping

from rest_framework.response import Response

from api import errors
from api.documents import Refusals

from . import answers

Words = Mapping[type[errors.Refusal], str]

TOKENS = {
    "missing": "No refresh token provided",
    "expired": "Refresh token expired",
    "invalid": "Invalid refresh token",
    "type": "Invalid token type",
    "revoked": "Refresh token has been revoked",
    "user": "User not found",
}
TRADES = {
    ("requester", True): "Invalid requester reservation",
    ("target", True): "Invalid target reservation",
    ("requester", False): "Your reservation cannot be traded",
    ("target", False): "Target reservation cannot be traded",
}
# about the moment rather than about what was sent
MOMENT = (errors.NotAllowedNow, errors.AlreadyBegun, errors.CheckInClosed, errors.Busy)
REFUSALS: Refusals = {
    400: answers.Said | answers.Fields,
    401: answers.Said | None,
    403: answers.Said | None,
    404: answers.Said | None,
    **dict.fromkeys((405, 406, 413, 415, 429, 503), answers.Said),
}
UNSAID = (errors.NotSignedIn, errors.Forbidden, errors.NotFound)


def answer(refusal: errors.Refusal, words: Words) -> Response:
    """The answer to a refusal; `words` are what one view says instead."""
    for kind, text in words.items():
        if isinstance(refusal, kind):
            return Response({"error": text}, status=_status(refusal))
    if isinstance(refusal, UNSAID):
        return Response(status=refusal.status)
    if isinstance(refusal, errors.TokenRefused):
        text = TOKENS.get(refusal.reason, TOKENS["invalid"])
        return Response({"error": text}, status=401)
    if isinstance(refusal, errors.EmailTaken):
        return Response({"email": ["This field must be unique."]}, status=400)
    if isinstance(refusal, errors.Invalid) and refusal.errors:
        return Response(dict(refusal.errors), status=400)
    if isinstance(refusal, errors.TradeRefused):
        return _whole(TRADES[refusal.which, refusal.unknown])
    if isinstance(refusal, MOMENT) or _status(refusal) != 400:
        return Response({"error": refusal.detail}, status=_status(refusal))
    return _whole(refusal.detail)


def _whole(text: str) -> Response:
    return Response({"non_field_errors": [text]}, status=400)


def _status(refusal: errors.Refusal) -> int:
    """This contract knows no 409: a slot that is taken is a bad request."""
    return 400 if refusal.status == 409 else refusal.status
