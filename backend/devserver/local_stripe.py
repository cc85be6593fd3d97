"""The Stripe of `make up` and of the tests: localstripe, on loopback, remembering nothing.

The rule: it behaves as Stripe does wherever a customer could tell. So the cards that Stripe
declines are declined, and a declined intent takes another card; localstripe alone does neither.
"""

import os
from typing import Any

from aiohttp import web
from localstripe import resources, webhooks

WEBHOOK = "/api/v1/webhooks/stripe/"


def forget_nothing_to_disk(*_: object) -> None:
    """Its one state file has a fixed path: two copies, or two users, would meet there."""


def declined(method: Any) -> bool:
    """At the charge, as well as when a card is kept for a customer."""
    return bool(_declined(method) or method._attaching_is_declined())


def update(intent: Any, **data: Any) -> None:
    """Another payment method after a declined one begins anew."""
    _update(intent, **data)
    charge = intent.latest_charge
    if "payment_method" in data and charge is not None and charge.status == "failed":
        intent.latest_charge = None


_declined = resources.PaymentMethod._charging_is_declined
_update = resources.PaymentIntent._update


def application(webhook_url: str, secret: str) -> web.Application:
    """localstripe with our corrections, its webhook registered from the start."""
    resources.Store.dump_to_disk = forget_nothing_to_disk
    resources.PaymentMethod._charging_is_declined = declined
    resources.PaymentIntent._update = update
    from localstripe.server import app

    webhooks.register_webhook("holdfast", webhook_url, secret, None)
    return app  # type: ignore[no-any-return]


def main(environment: dict[str, str]) -> None:
    host = environment.get("HOST", "127.0.0.1").replace("0.0.0.0", "127.0.0.1")  # noqa: S104
    url = environment.get("STRIPE_WEBHOOK_URL") or f"http://{host}:{environment['PORT']}{WEBHOOK}"
    app = application(url, environment["STRIPE_WEBHOOK_SECRET"])
    port = int(environment["STRIPE_PORT"])
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(dict(os.environ))
