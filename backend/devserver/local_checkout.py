"""Stripe's own page for paying (Checkout) at the local Stripe, as far as our calls see it: opened,
paid and closed. `POST /v1/checkout/sessions/{id}/pay` with a payment method does what its customer
does. `make up` has a form of its own instead; the tests pay here."""

import time
from typing import Any

from localstripe.errors import UserError
from localstripe.resources import PaymentIntent, StripeObject, extra_apis

SHORTEST, LONGEST = 30 * 60, 24 * 60 * 60  # seconds


class Session(StripeObject):  # type: ignore[misc]  # localstripe has no types
    object = "checkout.session"
    _id_prefix = "cs_"

    def __init__(
        self,
        mode: str,
        line_items: list[dict[str, Any]],
        expires_at: int | str,
        success_url: str,
        cancel_url: str,
        payment_intent_data: dict[str, Any],
    ) -> None:
        if not SHORTEST <= int(expires_at) - time.time() <= LONGEST:
            raise UserError(400, "It must end in half an hour to a day.")
        super().__init__()
        price = line_items[0]["price_data"]
        self.amount_total, self.currency = int(price["unit_amount"]), price["currency"]
        self.metadata_of_intent = payment_intent_data["metadata"]
        self.success_url, self.cancel_url = success_url, cancel_url
        self.expires_at, self.status, self.payment_intent = int(expires_at), "open", None
        self.url = f"https://checkout.stripe.com/c/pay/{self.id}"

    @classmethod
    def _api_expire(cls, id: str) -> "Session":  # noqa: A002 - localstripe calls it so
        found: Session = cls._api_retrieve(id)
        if found.status != "open":
            raise UserError(400, "Only open sessions expire.")
        found.status = "expired"
        return found

    @classmethod
    def _api_pay(cls, id: str, payment_method: str) -> "Session":  # noqa: A002
        found: Session = cls._api_retrieve(id)
        if found.status != "open":
            raise UserError(400, "The page is closed.")
        intent = PaymentIntent._api_create(
            amount=found.amount_total,
            currency=found.currency,
            payment_method=payment_method,
            metadata=found.metadata_of_intent,
        )
        found.payment_intent = intent.id
        PaymentIntent._api_confirm(intent.id)
        found.status = "complete"
        return found


PATH = "/v1/checkout/sessions"
extra_apis.extend(
    (
        ("POST", f"{PATH}/{{id}}/expire", Session._api_expire),
        ("POST", f"{PATH}/{{id}}/pay", Session._api_pay),
    )
)
