"""Calls Stripe; nothing else does. Never inside a transaction, never without a timeout.

Stripe's objects become plain dataclasses, and its errors one of two refusals. Stripe's own error
messages go to the log, not to a customer.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, ParamSpec, TypeVar

import stripe
import structlog
from django.conf import settings
from django.db import connection

from api.errors import Refusal
from api.services.operations.circuit_breaker import CircuitBreaker, CircuitOpen

log = structlog.get_logger("holdfast.stripe")
P = ParamSpec("P")
R = TypeVar("R")

SUCCEEDED: Final = "succeeded"
CANCELED: Final = "canceled"
FINAL: Final = (SUCCEEDED, CANCELED)
breaker: Final = CircuitBreaker(no_answer=stripe.APIConnectionError)


class PaymentsAway(Refusal):
    """Stripe did not answer in time, or failed. Trying again is right and safe."""

    code, status = "payments_away", 503
    detail = "The payment provider does not answer now, try again soon."
    retry_after = 5
    broken = False  # whether it answered, with an error of its own


class PaymentRefused(Refusal):
    """Stripe understood and refused. `missing`: it does not know the object."""

    code, detail = "payment_refused", "The payment provider refused the request."
    missing = False


class BadPayload(Refusal):
    code, detail = "bad_payload", "The payload is not an event."


class BadSignature(Refusal):
    code, detail = "bad_signature", "The signature is missing, wrong or too old."


@dataclass(frozen=True)
class Intent:
    """A PaymentIntent at Stripe; `amount_minor` in minor units, `status` as Stripe names it."""

    id: str
    status: str
    amount_minor: int
    currency: str
    client_secret: str = ""
    method: str = ""
    error: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Checkout:
    """Stripe's own page for one payment: `status` is open, complete or expired; the intent is known
    once somebody has tried to pay."""

    id: str
    status: str
    url: str = ""
    intent_id: str = ""


@dataclass(frozen=True)
class StripeRefund:
    """A refund at Stripe; `key` is ours, empty when it was made in Stripe's dashboard."""

    id: str
    status: str
    amount_minor: int
    key: str = ""


@dataclass(frozen=True)
class StripeDispute:
    id: str
    status: str
    amount_minor: int
    reason: str = ""


@functools.lru_cache(maxsize=4)
def _build_client(key: str, base: str, connect: float, read: float) -> stripe.StripeClient:
    stripe.enable_telemetry = False
    return stripe.StripeClient(
        key,
        base_addresses={"api": base} if base else {},
        http_client=stripe.RequestsClient(timeout=(connect, read)),
        max_network_retries=0,  # the outbox retries
    )


def _get_client() -> stripe.StripeClient:
    if not settings.STRIPE_SECRET_KEY:
        raise PaymentsAway("Payments are not set up here.")
    return _build_client(
        settings.STRIPE_SECRET_KEY,
        settings.STRIPE_API_BASE,
        settings.STRIPE_CONNECT_TIMEOUT,
        settings.STRIPE_READ_TIMEOUT,
    )


def _call(function: Callable[P, R]) -> Callable[P, R]:
    """Turn what the library raises into one of our two refusals. Raises `PaymentsAway` without
    calling while the circuit is open."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        assert not connection.in_atomic_block, "no network call inside a transaction"  # noqa: S101 - a law, not a check of input
        try:
            with breaker.call():
                return function(*args, **kwargs)
        except CircuitOpen:
            raise PaymentsAway from None
        except stripe.StripeError as error:
            log.warning("stripe_failed", call=function.__name__, error=repr(error)[:500])
            raise _to_refusal(error) from error

    return wrapper


def _to_refusal(error: stripe.StripeError) -> Refusal:
    refused = isinstance(error, (stripe.InvalidRequestError, stripe.CardError))
    if refused and error.code != "lock_timeout" and error.http_status != 409:
        return PaymentRefused(missing=error.http_status == 404)
    if isinstance(error, (stripe.AuthenticationError, stripe.PermissionError)):
        return PaymentRefused("The payment provider does not know our keys.")
    return PaymentsAway(broken=(error.http_status or 0) >= 500)


@_call
def create_intent(
    amount_minor: int, currency: str, key: str, metadata: Mapping[str, str], description: str
) -> Intent:
    """The same key again returns the same intent (the local stand-in creates another)."""
    params: dict[str, Any] = {
        "amount": amount_minor,
        "currency": currency,
        "metadata": dict(metadata),
    }
    if not settings.STRIPE_LOCAL:
        params |= {"automatic_payment_methods": {"enabled": True}, "description": description[:500]}
    return _parse_intent(_get_client().v1.payment_intents.create(params, {"idempotency_key": key}))  # type: ignore[arg-type]  # a dict where Stripe has a TypedDict


@_call
def create_paid_intent(amount_minor: int, currency: str, metadata: Mapping[str, str]) -> Intent:
    """An intent that a test card has paid. Only at the local stand-in, where no money moves."""
    assert settings.STRIPE_LOCAL, "the demo charges nobody"  # noqa: S101
    params: dict[str, Any] = {
        "amount": amount_minor,
        "currency": currency,
        "metadata": dict(metadata),
        "payment_method": "pm_card_visa",
        "confirm": True,
    }
    return _parse_intent(_get_client().v1.payment_intents.create(params))  # type: ignore[arg-type]


@_call
def create_checkout(
    amount_minor: int,
    currency: str,
    key: str,
    metadata: Mapping[str, str],
    description: str,
    *,
    return_url: str,
    expires_at: int,
) -> Checkout:
    """A page of Stripe's. Its intent carries the metadata; the same key again returns the same."""
    item = {"currency": currency, "unit_amount": amount_minor}
    params: Any = {
        "mode": "payment",
        "line_items": [
            {"quantity": 1, "price_data": item | {"product_data": {"name": description[:250]}}}
        ],
        "payment_intent_data": {"metadata": dict(metadata), "description": description[:500]},
        "success_url": return_url,
        "cancel_url": return_url,
        "expires_at": expires_at,
    }
    client: Any = _get_client().v1
    return _parse_checkout(client.checkout.sessions.create(params, {"idempotency_key": key}))


@_call
def fetch_checkout(checkout_id: str) -> Checkout:
    return _parse_checkout(_get_client().v1.checkout.sessions.retrieve(checkout_id))


@_call
def expire_checkout(checkout_id: str) -> Checkout:
    """The page after asking to close it. One where somebody paid before comes back complete."""
    client = _get_client().v1
    try:
        return _parse_checkout(client.checkout.sessions.expire(checkout_id))
    except stripe.InvalidRequestError as error:
        if error.http_status == 404:
            raise
        return _parse_checkout(client.checkout.sessions.retrieve(checkout_id))


def _parse_checkout(found: Any) -> Checkout:
    facts = found.to_dict()
    intent = facts.get("payment_intent") or ""
    return Checkout(facts["id"], facts["status"], facts.get("url") or "", str(intent))


@_call
def pay_locally(intent_id: str, card: str) -> Intent:
    """The intent after paying it with the card of that number, whether or not it was taken. Only at
    the local stand-in: elsewhere no number of a card comes near us."""
    assert settings.STRIPE_LOCAL, "no card is typed here"  # noqa: S101
    client: Any = _get_client().v1
    about = {"number": card, "exp_month": 12, "exp_year": 2049, "cvc": "123"}
    method = client.payment_methods.create({"type": "card", "card": about})
    client.payment_intents.update(intent_id, {"payment_method": method.id})
    with contextlib.suppress(stripe.CardError):
        client.payment_intents.confirm(intent_id)
    return _parse_intent(client.payment_intents.retrieve(intent_id))


@_call
def fetch_intent(intent_id: str) -> Intent:
    return _parse_intent(_get_client().v1.payment_intents.retrieve(intent_id))


@_call
def cancel_intent(intent_id: str) -> Intent:
    """The intent after asking to cancel it. One that succeeded before, or is being processed, comes
    back as it is."""
    params: Any = {} if settings.STRIPE_LOCAL else {"cancellation_reason": "abandoned"}
    try:
        return _parse_intent(_get_client().v1.payment_intents.cancel(intent_id, params))
    except stripe.InvalidRequestError as error:
        if error.http_status == 404:
            raise
        return _parse_intent(_get_client().v1.payment_intents.retrieve(intent_id))


@_call
def list_refunds(intent_id: str) -> list[StripeRefund]:
    """Every refund of an intent at Stripe, ours and those of the dashboard."""
    found = _get_client().v1.refunds.list({"payment_intent": intent_id, "limit": 100})
    return [parse_refund(refund.to_dict()) for refund in found.auto_paging_iter()]


@_call
def list_disputes(intent_id: str) -> list[StripeDispute]:
    """Every dispute of an intent, open or closed; none of one that Stripe does not know."""
    try:
        found = _get_client().v1.disputes.list({"payment_intent": intent_id, "limit": 100})
        return [parse_dispute(dispute.to_dict()) for dispute in found.auto_paging_iter()]
    except stripe.InvalidRequestError as error:
        if error.http_status == 404:
            return []
        raise


@_call
def create_refund(intent_id: str, amount_minor: int, key: str) -> StripeRefund:
    """Ask `list_refunds` first: the local stand-in ignores the key. Stripe refuses one key with two
    amounts, so the amount is part of it."""
    params: Any = {
        "payment_intent": intent_id,
        "amount": amount_minor,
        "metadata": {"holdfast_key": key},
    }
    if not settings.STRIPE_LOCAL:
        params |= {"reason": "requested_by_customer"}
    once = f"{key}:{amount_minor}"
    made = _get_client().v1.refunds.create(params, {"idempotency_key": once})
    return parse_refund(made.to_dict())


def _parse_intent(found: Any) -> Intent:
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


def parse_refund(facts: Mapping[str, Any]) -> StripeRefund:
    """A refund as Stripe's API and webhooks write it. Raises `ValueError`, `KeyError` and
    `TypeError` for what is none."""
    key = str((facts.get("metadata") or {}).get("holdfast_key", ""))
    status = str(facts.get("status") or "pending")[:20]
    return StripeRefund(str(facts["id"]), status, int(facts["amount"]), key)


def parse_dispute(facts: Mapping[str, Any]) -> StripeDispute:
    """A dispute, as `parse_refund`."""
    status, reason = str(facts["status"])[:40], str(facts.get("reason") or "")[:100]
    return StripeDispute(str(facts["id"]), status, int(facts["amount"]), reason)


def was_never_charged(intent_id: str) -> bool:
    """Whether the local stand-in never took the money that a signed event told of, so that it
    cannot pay it back. Always false with Stripe itself."""
    if not settings.STRIPE_BELIEVE_EVENTS:
        return False
    try:
        return fetch_intent(intent_id).status != SUCCEEDED
    except PaymentRefused as refusal:
        if not refusal.missing:
            raise
        return True


def verify_signature(payload: bytes, signature: str) -> None:
    """Raises `BadSignature`, and `BadPayload` for what is not text."""
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
