"""Tokens of dry runs: what was shown is what is done, once, or nothing."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core import signing

from api import errors
from api.models import Series
from api.queries.series.occurrences import OccurrenceOutcome

SALT = "api.series.dry_run"
LASTS = 15 * 60  # seconds


@dataclass(frozen=True)
class DryRun:
    """What a token says: of which plan, and by which key it is used once."""

    plan: str
    key: str


def build_token(scope: str, body: Mapping[str, Any], outcomes: Sequence[OccurrenceOutcome]) -> str:
    """A token of that caller (`scope`) for that body."""
    key = secrets.token_hex(16)
    values = [scope, hash_json(body), hash_outcomes(outcomes), key]
    return signing.dumps(values, salt=SALT, compress=True)


def read_token(token: str, scope: str, body: Mapping[str, Any]) -> DryRun:
    """Refuses `Unfit` for a token that is unknown, too old, used, somebody else's or of another
    body."""
    plan, key = _load(token, scope, body)
    if Series.objects.filter(dry_run=key).exists():
        raise refuse_token()
    return DryRun(plan, key)


def find_booked(token: str, scope: str, body: Mapping[str, Any]) -> Series | None:
    """The series that was booked by the token already, of the same caller and body."""
    try:
        _, key = _load(token, scope, body)
    except errors.Unfit:
        return None
    return Series.objects.filter(dry_run=key).first()


def _load(token: str, scope: str, body: Mapping[str, Any]) -> tuple[str, str]:
    """The plan and the key of the token; refuses `Unfit`."""
    try:
        whose, of_body, plan, key = signing.loads(token, salt=SALT, max_age=LASTS)
    except (signing.BadSignature, ValueError):
        raise refuse_token() from None
    if (whose, of_body) != (scope, hash_json(body)):
        raise refuse_token()
    return plan, key


def refuse_token() -> errors.Unfit:
    return errors.Unfit(errors={"token": ["This is not the token of a dry run like this."]})


def hash_json(body: Any) -> str:
    text = json.dumps(body, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def hash_outcomes(outcomes: Sequence[OccurrenceOutcome]) -> str:
    """Of what would be done, whoever has the time of what is not."""
    return hash_json(
        [
            (str(each.recurrence_id), str(each.starts_at), str(each.ends_at), each.outcome.value,
             each.code)
            for each in outcomes
        ]
    )  # fmt: skip
