"""How refusals read here: what is wrong with a request as a whole is `non_field_errors`, what is
wrong with the moment is `error`; where the README wants an empty body there is none. No 409."""

from __future__ import annotations

from api import errors
from api.contracts import kit

from .labels import STATUS_DISPLAYS, STATUS_LABELS

TOKEN_MESSAGES = {
    "missing": "No refresh token provided",
    "expired": "Refresh token expired",
    "invalid": "Invalid refresh token",
    "type": "Invalid token type",
    "revoked": "Refresh token has been revoked",
    "user": "User not found",
}
STATUS_WORDS = {ours: STATUS_DISPLAYS[label].lower() for ours, label in STATUS_LABELS.items()}
TRADE_MESSAGES = {
    ("requester", True): "Invalid requester reservation",
    ("target", True): "Invalid target reservation",
    ("requester", False): "Your reservation cannot be traded",
    ("target", False): "Target reservation cannot be traded",
}

ERROR_MESSAGES = kit.ErrorTable(
    {
        errors.Refusal: kit.error(),
        400: kit.field_errors(),
        409: kit.field_errors(status=400),
        errors.NotSignedIn: kit.empty(),
        errors.Forbidden: kit.empty(),
        errors.NotFound: kit.empty(),
        errors.TokenRefused: kit.error(lambda r: TOKEN_MESSAGES[r.reason]),
        errors.EmailTaken: kit.at("email", "This field must be unique."),
        errors.TradeRefused: kit.field_errors(lambda r: TRADE_MESSAGES[r.which, r.unknown]),
        errors.NotAllowedNow: kit.error(kit.in_words(STATUS_WORDS), status=400),
        errors.AlreadyBegun: kit.error(status=400),
        errors.CheckInClosed: kit.error(status=400),
        errors.Busy: kit.error(status=400),
    }
)
