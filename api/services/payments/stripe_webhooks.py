"""Reads what Stripe posts to a webhook."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from django.conf import settings

from .stripe_gateway import (
    CANCELED,
    FINAL,
    SUCCEEDED,
    BadPayload,
    Intent,
    StripeDispute,
    StripeRefund,
    parse_dispute,
    parse_refund,
    verify_signature,
)

_ID = re.compile(r"[\w.:-]{1,255}")
_STATUS_OF_EVENT: Final = {
    "payment_intent.succeeded": SUCCEEDED,
    "payment_intent.canceled": CANCELED,
}


@dataclass(frozen=True)
class Event:
    """`intent_id` is empty when the event is about no payment."""

    id: str
    type: str
    intent_id: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """What an event signed by hand says went back: refunds, disputes, and the sum of a charge. With
    Stripe itself it is empty."""

    event_id: str = ""
    refunds: tuple[StripeRefund, ...] = ()
    disputes: tuple[StripeDispute, ...] = ()
    refunded_minor: int = 0


def read_event(payload: bytes, signature: str) -> Event:
    """The event of a webhook. Raises `BadSignature` and `BadPayload`."""
    verify_signature(payload, signature)
    try:
        body = json.loads(payload)
        if settings.STRIPE_BELIEVE_EVENTS:  # by hand one writes less than Stripe does
            body.setdefault("id", f"evt_{hashlib.sha256(payload).hexdigest()}")
        return _parse_event(body)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BadPayload from None


def _parse_event(body: Any) -> Event:
    about = body["data"]["object"]
    kind = "payment_intent" if str(body["type"]).startswith("payment_intent.") else ""
    is_intent = about.get("object", kind) == "payment_intent"
    intent = about.get("id") if is_intent else about.get("payment_intent")
    if isinstance(intent, Mapping):  # expanded
        intent = intent.get("id")
    if not isinstance(body["type"], str) or not _ID.fullmatch(body["type"][:100]):
        raise ValueError
    if not isinstance(body["id"], str) or not _ID.fullmatch(body["id"]):
        raise ValueError
    is_known = isinstance(intent, str) and _ID.fullmatch(intent)
    names = ("created", "livemode")
    facts: dict[str, Any] = {n: body[n] for n in names if isinstance(body.get(n), int)}
    if settings.STRIPE_BELIEVE_EVENTS:
        facts["object"] = {name: about[name] for name in _READ if name in about}
        read_told(body["type"], body["id"], facts)  # so that nonsense is refused now
    return Event(body["id"], body["type"][:100], intent if is_known else "", facts)


_READ: Final = ("id", "status", "amount", "reason", "metadata", "amount_refunded", "refunds")


def read_told(kind: str, event_id: str, facts: Mapping[str, Any]) -> Told:
    """What the facts of an event say of refunds and disputes. Raises `ValueError`, `KeyError`,
    `TypeError` and `AttributeError` for nonsense."""
    about: Mapping[str, Any] = facts.get("object") or {}
    if "amount" not in about and "amount_refunded" not in about:
        return Told()  # it only says where to look
    if kind.startswith("charge.dispute."):
        found = parse_dispute(about)
        return Told(disputes=(_check(found),))
    if kind.startswith(("refund.", "charge.refund.")):
        status = "failed" if kind.endswith(".failed") else SUCCEEDED
        return Told(refunds=(_check(parse_refund({"status": status, **about})),))
    if kind != "charge.refunded":
        return Told()
    listed = (about.get("refunds") or {}).get("data") or []
    refunds = tuple(_check(parse_refund({"status": SUCCEEDED, **each})) for each in listed)
    return Told(event_id, refunds, (), int(about.get("amount_refunded") or 0))


Found = TypeVar("Found", StripeRefund, StripeDispute)


def _check(found: Found) -> Found:
    if not _ID.fullmatch(found.id[:150]) or not 0 < found.amount_minor < 2**63:
        raise ValueError
    return replace(found, id=found.id[:150])


def apply_event(intent: Intent, event: str) -> Intent:
    """The intent as a signed event has it, with the local stand-in for Stripe only: whoever tries
    webhooks out by hand has paid nobody. With Stripe itself only its answer counts."""
    if not settings.STRIPE_BELIEVE_EVENTS or intent.status == SUCCEEDED:
        return intent
    if event == "payment_intent.payment_failed" and intent.status not in FINAL:
        return replace(intent, error=intent.error or "The card was declined.")
    return replace(intent, status=_STATUS_OF_EVENT.get(event, intent.status))
