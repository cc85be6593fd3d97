"""Disputes at the local Stripe, which localstripe lacks, as Stripe's own test mode has them.

A card that ends in 0259 pays and is disputed at once, one that ends in 1976 is only asked about.
`POST /v1/disputes` with a payment intent opens one of any payment; evidence that says
`winning_evidence` wins it, `POST /v1/disputes/{id}/close` loses it.
"""

from typing import Any

from localstripe.errors import UserError
from localstripe.resources import (
    Charge,
    Event,
    PaymentIntent,
    PaymentMethod,
    StripeObject,
    extra_apis,
)
from localstripe.webhooks import schedule_webhook

CARDS = {"4000000000000259": "needs_response", "4000000000001976": "warning_needs_response"}


class Dispute(StripeObject):  # type: ignore[misc]  # localstripe has no types
    object = "dispute"
    _id_prefix = "dp_"

    def __init__(
        self,
        payment_intent: str,
        amount: int | str | None = None,
        reason: str = "fraudulent",
        status: str = "needs_response",
    ) -> None:
        intent = PaymentIntent._api_retrieve(payment_intent)
        if intent.status != "succeeded":
            raise UserError(400, "Nothing was paid.")
        super().__init__()
        self.payment_intent, self.charge = intent.id, intent.latest_charge.id
        self.amount = int(amount or intent.amount)
        self.currency, self.reason, self.status = intent.currency, reason, status
        self.evidence: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        schedule_webhook(Event("charge.dispute.created", self))

    def _update(self, evidence: dict[str, Any] | None = None, **data: Any) -> None:
        super()._update(**data)
        text = str((evidence or {}).get("uncategorized_text", ""))
        if text == "winning_evidence":
            self._close("warning_closed" if self._is_inquiry else "won")
        elif text == "losing_evidence":
            self._close("warning_closed" if self._is_inquiry else "lost")
        elif evidence:
            self.status = "warning_under_review" if self._is_inquiry else "under_review"
            schedule_webhook(Event("charge.dispute.updated", self))

    def _close(self, status: str) -> None:
        self.status = status
        schedule_webhook(Event("charge.dispute.closed", self))

    @property
    def _is_inquiry(self) -> bool:
        return self.status.startswith("warning_")

    @classmethod
    def _api_close(cls, id: str) -> "Dispute":  # noqa: A002 - localstripe calls it so
        found: Dispute = cls._api_retrieve(id)
        found._close("lost")
        return found

    @classmethod
    def _api_list_all(
        cls, url: str, payment_intent: str = "", charge: str = "", **data: Any
    ) -> Any:
        found = super()._api_list_all(url, **data)
        wanted = {"payment_intent": payment_intent, "charge": charge}
        for name, value in wanted.items():
            found._list = [each for each in found._list if value in ("", getattr(each, name))]
        return found


extra_apis.append(("POST", "/v1/disputes/{id}/close", Dispute._api_close))


def is_refused(charge: Charge) -> bool:
    """Whether a charge cannot be refunded: its money is at the bank, or was given back there."""
    found: list[Dispute] = Dispute._api_list_all("/v1/disputes", charge=charge.id)._list
    return any(each.status in ("needs_response", "under_review", "lost") for each in found)


def open_by_card(intent: PaymentIntent) -> None:
    method = PaymentMethod._api_retrieve(intent.payment_method)
    if status := CARDS.get(getattr(method, "_card_number", "")):
        Dispute(intent.id, status=status)
