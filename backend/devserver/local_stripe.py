"""The Stripe of `make up` and of the tests: localstripe on loopback.

What it knows is written to the file that it is given, or nowhere. What localstripe does differently
from Stripe is put right: cards that Stripe declines are declined, a declined intent takes another
card, a charge is refunded no more than it was, webhooks tell of it, and there are disputes.
"""

import contextlib
import os
import pickle
import sys
from pathlib import Path
from typing import Any

from aiohttp import web
from localstripe import resources, webhooks
from localstripe.errors import UserError

from backend.devserver import local_checkout, local_disputes

WEBHOOK = "/api/v1/webhooks/stripe/"


def skip_dump(*_: object) -> None:
    """Write no state file: its path is fixed, so two copies or users would share it."""


class StateFile:
    """Where the store is kept over a restart; rows of ours point to what is in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> None:
        """One that cannot be read is begun anew."""
        with contextlib.suppress(FileNotFoundError, EOFError, pickle.UnpicklingError):
            found = pickle.loads(self.path.read_bytes())  # noqa: S301 - our own file
            for key, value in found.items():
                dict.__setitem__(resources.store, key, value)

    def save(self, *_: object) -> None:
        draft = self.path.with_suffix(".part")
        draft.write_bytes(pickle.dumps(dict(resources.store)))
        draft.replace(self.path)


def is_charging_declined(method: Any) -> bool:
    """Decline at the charge the cards that localstripe declines only when they are saved."""
    return bool(_declined(method) or method._attaching_is_declined())


def update_intent(intent: Any, **data: Any) -> None:
    """Update the intent; another payment method after a declined one starts a new charge."""
    _update(intent, **data)
    charge = intent.latest_charge
    if "payment_method" in data and charge is not None and charge.status == "failed":
        intent.latest_charge = None


def create_refund(self: Any, *args: Any, reason: str = "", **data: Any) -> None:
    """Make a refund of no more than is left, and tell of it."""
    charge = _find_charge(**data)
    if charge is not None:
        if local_disputes.is_refused(charge):
            raise UserError(400, "The charge is disputed.", {"code": "charge_disputed"})
        left = charge.amount - sum(r.amount for r in charge.refunds._list if _counts(r))
        if left <= 0:
            raise UserError(400, "It has been refunded.", {"code": "charge_already_refunded"})
        data["amount"] = data.get("amount") or left
        if int(data["amount"]) > left:
            raise UserError(400, f"That is more than the {left} that are left.")
    _create_refund(self, *args, **data)
    self.reason = reason or None
    charge = resources.Charge._api_retrieve(self.charge)
    self.payment_intent = charge.payment_intent
    webhooks.schedule_webhook(resources.Event("refund.created", self))
    webhooks.schedule_webhook(resources.Event("charge.refunded", charge))


def _counts(refund: Any) -> bool:
    return refund.status not in ("failed", "canceled")


def _find_charge(charge: str = "", payment_intent: str = "", **_: Any) -> Any:
    if payment_intent:
        return resources.PaymentIntent._api_retrieve(payment_intent).latest_charge
    return resources.Charge._api_retrieve(charge) if charge else None


def tell_success(intent: Any) -> None:
    _tell_success(intent)
    local_disputes.open_by_card(intent)


_create_refund = resources.Refund.__init__
_tell_success = resources.PaymentIntent._on_success
_declined = resources.PaymentMethod._charging_is_declined
_update = resources.PaymentIntent._update


async def drop_server(_: web.Request, response: web.StreamResponse) -> None:
    """Name no software, as none of our processes does."""
    response.headers.popall("Server", None)


def build_application(webhook_url: str, secret: str, file: str = "") -> web.Application:
    """Return localstripe with our corrections and its webhook registered."""
    resources.Store.dump_to_disk = skip_dump
    resources.Refund.__init__ = create_refund
    resources.PaymentIntent._on_success = tell_success
    resources.PaymentMethod._charging_is_declined = is_charging_declined
    resources.PaymentIntent._update = update_intent
    from localstripe import server

    add_routes(server, local_disputes.Dispute, "/v1/disputes")
    add_routes(server, local_checkout.Session, local_checkout.PATH)
    if file:
        state = StateFile(Path(file))
        state.load()
        resources.Store.__setitem__ = (
            dict.__setitem__
        )  # it would write at each, not at each request
        resources.Store.dump_to_disk = lambda _: state.save()
    webhooks.register_webhook("holdfast", webhook_url, secret, None)
    server.app.on_response_prepare.append(drop_server)
    return server.app  # type: ignore[no-any-return]


def add_routes(server: Any, kind: Any, path: str) -> None:
    router = server.app.router
    router.add_post(path, server.api_create(kind, path))
    router.add_get(path, server.api_list_all(kind, path))
    router.add_get(f"{path}/{{id}}", server.api_retrieve(kind, path))
    router.add_post(f"{path}/{{id}}", server.api_update(kind, path))


def main(environment: dict[str, str], file: str = "") -> None:
    host = environment.get("HOST", "127.0.0.1").replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - to recognise it, not to bind to it
    url = environment.get("STRIPE_WEBHOOK_URL") or f"http://{host}:{environment['PORT']}{WEBHOOK}"
    app = build_application(url, environment["STRIPE_WEBHOOK_SECRET"], file)
    port = int(environment["STRIPE_PORT"])
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(dict(os.environ), *sys.argv[1:2])
