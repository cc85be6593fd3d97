"""The Stripe of `make up` and of the tests: localstripe on loopback, with nothing stored.

Two things that localstripe does differently from Stripe are put right: cards that Stripe declines
are declined, and a declined intent takes another card.
"""

import os
from typing import Any

from aiohttp import web
from localstripe import resources, webhooks

WEBHOOK = "/api/v1/webhooks/stripe/"


def skip_dump(*_: object) -> None:
    """Write no state file: its path is fixed, so two copies or users would share it."""


def is_charging_declined(method: Any) -> bool:
    """Decline at the charge the cards that localstripe declines only when they are saved."""
    return bool(_declined(method) or method._attaching_is_declined())


def update_intent(intent: Any, **data: Any) -> None:
    """Update the intent; another payment method after a declined one starts a new charge."""
    _update(intent, **data)
    charge = intent.latest_charge
    if "payment_method" in data and charge is not None and charge.status == "failed":
        intent.latest_charge = None


_declined = resources.PaymentMethod._charging_is_declined
_update = resources.PaymentIntent._update


def build_application(webhook_url: str, secret: str) -> web.Application:
    """Return localstripe with our corrections and its webhook registered."""
    resources.Store.dump_to_disk = skip_dump
    resources.PaymentMethod._charging_is_declined = is_charging_declined
    resources.PaymentIntent._update = update_intent
    from localstripe.server import app

    webhooks.register_webhook("holdfast", webhook_url, secret, None)
    return app  # type: ignore[no-any-return]  # localstripe has no types


def main(environment: dict[str, str]) -> None:
    host = environment.get("HOST", "127.0.0.1").replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - to recognise it, not to bind to it
    url = environment.get("STRIPE_WEBHOOK_URL") or f"http://{host}:{environment['PORT']}{WEBHOOK}"
    app = build_application(url, environment["STRIPE_WEBHOOK_SECRET"])
    port = int(environment["STRIPE_PORT"])
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(dict(os.environ))
