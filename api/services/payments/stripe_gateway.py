"""Speaks to Stripe; nothing else does. Never inside a transaction, never without a timeout.

Plain facts come back, not Stripe's objects. What goes wrong is one of two refusals, and neither
carries Stripe's own words to a customer: those are in the log.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, ParamSpec, TypeVar

import stripe
import structlog
from django.conf import settings
from django.db import connection

from api.errors import Refusal

from .circuit_breaker import Circuit

log = structlog.get_logger("holdfast.stripe")
P = ParamSpec("P")
R = TypeVar("R")

SUCCEEDED: Final = "succeeded"
CANCELED: Final = "canceled"
FINAL: Final = (SUCCEEDED, CANCELED)
circuit: Final = Circuit(stripe.APIConnectionError)


class PaymentsAway(Refusal):
    """Stripe did not answer in time, or is out of order. Trying again is right and safe."""

    code, status = "payments_away", 503
    detail = "The payment provider does not answer now, try again soon."
    retry_after = 5
    broken = False  # it answered, with an error of its own


class PaymentRefused(Refusal):
    """Stripe understood and said no. `missing`: it does not know the object."""

    code, detail = "payment_refused", "The payment provider refused the request."
    missing = False


class BadPayload(Refusal):
    code, detail = "bad_payload", "The payload is not an event."


class BadSignature(Refusal):
    code, detail = "bad_signature", "The signature is missing, wrong or too old."


@dataclass(frozen=True)
class Intent:
    """A PaymentIntent as Stripe knows it; amounts in minor units, `status` is Stripe's word."""

    id: str
    status: str
    amount_minor: int
    currency: str
    client_secret: str = ""
    method: str = ""
    error: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StripeRefund:
    """A refund as Stripe knows it; `key` is ours, empty when it was made at the dashboard."""

    id: str
    status: str
    amount_minor: int
    key: str = ""


@dataclass(frozen=True)
class Event:
    """A webhook whose signature was right. `intent_id` is empty when it is about no payment."""

    id: str
    type: str
    intent_id: str
    facts: Mapping[str, Any]


# the calls


@functools.lru_cache(maxsize=4)
def _client(key: str, base: str, connect: float, read: float) -> stripe.StripeClient:
    stripe.enable_telemetry = False
    return stripe.StripeClient(
        key,
        base_addresses={"api": base} if base else {},
        http_client=stripe.RequestsClient(timeout=(connect, read)),
        max_network_retries=0,  # trying again is the outbox's business
    )


def _calls() -> stripe.StripeClient:
    if not settings.STRIPE_SECRET_KEY:
        raise PaymentsAway("Payments are not set up here.")
    return _client(
        settings.STRIPE_SECRET_KEY,
        settings.STRIPE_API_BASE,
        settings.STRIPE_CONNECT_TIMEOUT,
        settings.STRIPE_READ_TIMEOUT,
    )


def _call(function: Callable[P, R]) -> Callable[P, R]:
    """Turns whatever the library raises into one of our two refusals. Refuses `PaymentsAway`
    without asking while Stripe is left alone."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        assert not connection.in_atomic_block, "no network call inside a transaction"  # noqa: S101
        if not circuit.lets_through():
            raise PaymentsAway
        try:
            with circuit.call():
                return function(*args, **kwargs)
        except stripe.StripeError as error:
            log.warning("stripe_failed", call=function.__name__, error=repr(error)[:500])
            raise _refusal(error) from error

    return wrapper


def _refusal(error: stripe.StripeError) -> Refusal:
    said_no = isinstance(error, (stripe.InvalidRequestError, stripe.CardError))
    if said_no and error.code != "lock_timeout" and error.http_status != 409:
        return PaymentRefused(missing=error.http_status == 404)
    if isinstance(error, (stripe.AuthenticationError, stripe.PermissionError)):
        return PaymentRefused("The payment provider does not know our keys.")
    away = PaymentsAway()
    away.broken = (error.http_status or 0) >= 500
    return away


@_call
def create_intent(
    amount_minor: int, currency: str, key: str, metadata: Mapping[str, str], what: str
) -> Intent:
    """A new intent; the same key again gives the same one (the local stand-in makes another)."""
    params: dict[str, Any] = {
        "amount": amount_minor,
        "currency": currency,
        "metadata": dict(metadata),
    }
    if not settings.STRIPE_LOCAL:
        params |= {"automatic_payment_methods": {"enabled": True}, "description": what[:500]}
    return _intent(_calls().v1.payment_intents.create(params, {"idempotency_key": key}))  # type: ignore[arg-type]


@_call
def fetch_intent(intent_id: str) -> Intent:
    return _intent(_calls().v1.payment_intents.retrieve(intent_id))


@_call
def cancel_intent(intent_id: str) -> Intent:
    """The intent after asking to cancel it: what already succeeded, or is still being processed,
    comes back as it is."""
    params: Any = {} if settings.STRIPE_LOCAL else {"cancellation_reason": "abandoned"}
    try:
        return _intent(_calls().v1.payment_intents.cancel(intent_id, params))
    except stripe.InvalidRequestError as error:
        if error.http_status == 404:
            raise
        return _intent(_calls().v1.payment_intents.retrieve(intent_id))


@_call
def list_refunds(intent_id: str) -> list[StripeRefund]:
    """Every refund of an intent that Stripe knows, ours and others'."""
    found = _calls().v1.refunds.list({"payment_intent": intent_id, "limit": 100})
    return [_paid_back(refund) for refund in found.auto_paging_iter()]


@_call
def create_refund(intent_id: str, amount_minor: int, key: str) -> StripeRefund:
    """Money back. Ask `list_refunds` first: only Stripe itself minds the key."""
    params: Any = {
        "payment_intent": intent_id,
        "amount": amount_minor,
        "metadata": {"holdfast_key": key},
    }
    if not settings.STRIPE_LOCAL:
        params |= {"reason": "requested_by_customer"}
    return _paid_back(_calls().v1.refunds.create(params, {"idempotency_key": key}))


def _intent(found: Any) -> Intent:
    facts = found.to_dict()
    error = facts.get("last_payment_error") or {}
    return Intent(
        id=facts["id"],
        status=facts["status"],
        amount_minor=int(facts["amount"]),
        currency=facts["currency"].lower(),
        client_secret=facts.get("client_secret") or "",
        method=str(facts.get("payment_method") or "")[:255],
        error=str(error.get("message") or error.get("code") or "")[:500],
        metadata={str(k): str(v) for k, v in (facts.get("metadata") or {}).items()},
    )


def _paid_back(found: Any) -> StripeRefund:
    facts = found.to_dict()
    key = str((facts.get("metadata") or {}).get("holdfast_key", ""))
    return StripeRefund(facts["id"], facts.get("status") or "pending", int(facts["amount"]), key)


# webhooks


_TOLD: Final = {"payment_intent.succeeded": SUCCEEDED, "payment_intent.canceled": CANCELED}


def apply_event(intent: Intent, event: str) -> Intent:
    """The intent as a signed event has it, where the local stand-in knows less: who tries webhooks
    out by hand has paid nobody. Of Stripe itself nothing but its answer counts."""
    if not settings.STRIPE_BELIEVE_EVENTS or intent.status == SUCCEEDED:
        return intent
    if event == "payment_intent.payment_failed" and intent.status not in FINAL:
        return replace(intent, error=intent.error or "The card was declined.")
    return replace(intent, status=_TOLD.get(event, intent.status))


def was_never_charged(intent_id: str) -> bool:
    """Whether the local stand-in never took the money that a signed event told of: then there is
    none for it to pay back. Never so of Stripe itself."""
    if not settings.STRIPE_BELIEVE_EVENTS:
        return False
    try:
        return fetch_intent(intent_id).status != SUCCEEDED
    except PaymentRefused as refusal:
        if not refusal.missing:
            raise
        return True


_PLAIN = re.compile(r"[\w.:-]{1,255}")


def read_event(payload: bytes, signature: str) -> Event:
    """The event of a webhook; refuses `BadSignature` and `BadPayload`."""
    try:
        stripe.WebhookSignature.verify_header(
            payload,
            signature,
            settings.STRIPE_WEBHOOK_SECRET,
            settings.STRIPE_SIGNATURE_TOLERANCE,
        )
    except UnicodeDecodeError:
        raise BadPayload from None
    except (stripe.SignatureVerificationError, TypeError, ValueError):
        raise BadSignature from None
    try:
        body = json.loads(payload)
        if settings.STRIPE_BELIEVE_EVENTS:  # by hand one writes less than Stripe does
            body.setdefault("id", f"evt_{hashlib.sha256(payload).hexdigest()}")
        return _event(body)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BadPayload from None


def _event(body: Any) -> Event:
    about = body["data"]["object"]
    kind = "payment_intent" if str(body["type"]).startswith("payment_intent.") else ""
    itself = about.get("object", kind) == "payment_intent"
    intent = about.get("id") if itself else about.get("payment_intent")
    if isinstance(intent, Mapping):  # expanded
        intent = intent.get("id")
    if not isinstance(body["type"], str) or not _PLAIN.fullmatch(body["type"][:100]):
        raise ValueError
    if not isinstance(body["id"], str) or not _PLAIN.fullmatch(body["id"]):
        raise ValueError
    known = isinstance(intent, str) and _PLAIN.fullmatch(intent)
    names = ("created", "livemode")
    facts = {name: body[name] for name in names if isinstance(body.get(name), int)}
    return Event(body["id"], body["type"][:100], intent if known else "", facts)
