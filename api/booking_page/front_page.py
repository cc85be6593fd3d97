"""`/`: what this is, the venues to book, and where everything else is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.utils.dateformat import format as format_date
from django.views.generic import TemplateView

from api.models import Venue
from api.queries.venues.venues import list_venues_with_resources
from api.services.operations import demo

# where a venue is booked; its slug belongs into it
VENUE_URL = "/book/{slug}/"


@dataclass(frozen=True)
class VenueCard:
    """A venue as it stands on the page; `now` is the time of day there."""

    name: str
    slug: str
    what: str
    url: str
    now: str
    zone: str
    resources: list[str]


class FrontPageView(TemplateView):
    """`contracts` are those that are served here, by the slugs of their venues."""

    template_name = "pages/front.html"
    contracts: Mapping[str, Any] = MappingProxyType({})

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context |= {
            "venues": [
                _build_card(venue, self.contracts.get(venue.slug))
                for venue in list_venues_with_resources()
            ],
            "contracts": self.contracts.values(),
        }
        return context | (_build_local_context() if settings.EMBEDDED else {})


def _build_card(venue: Venue, contract: Any) -> VenueCard:
    return VenueCard(
        name=venue.name,
        slug=venue.slug,
        what=contract.what if contract else "",
        url=VENUE_URL.format(slug=venue.slug),
        now=format_date(datetime.now(venue.zone), "l H:i"),
        zone=venue.time_zone,
        resources=[resource.name for resource in venue.resources.all()],
    )


def _build_local_context() -> dict[str, Any]:
    """What only `make up` on its own servers shows: where its other processes are, and who can sign
    in to the demo. A password that somebody chose is not shown."""
    password = settings.DEMO_PASSWORD
    return {
        "embedded": True,
        "flower_url": f"http://localhost:{settings.FLOWER_PORT}/",
        "stripe_url": f"http://localhost:{settings.STRIPE_PORT}/" if settings.STRIPE_LOCAL else "",
        "mail_dir": settings.MAIL_DIR,
        "sign_ins": demo.SIGN_INS if settings.DEMO else (),
        "password": password if password == demo.PASSWORD else "",
    }
