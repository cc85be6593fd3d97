"""What the views of primetime share; its venue and its one calendar make themselves."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.utils import timezone

from api.contracts import kit
from api.opening_hours import to_instant

from .errors import ERROR_MESSAGES
from .serializers import MIDNIGHT


class PrimetimeView(kit.ContractView):
    contract = "primetime"
    error_messages = ERROR_MESSAGES
    token_strategy = kit.CookieTokens(rotates=True)

    def query_parameters(self) -> dict[str, Any]:
        """A parameter without a value was not sent."""
        return {name: value for name, value in self.request.query_params.items() if value}

    def today(self) -> date:
        return timezone.now().astimezone(self.venue.zone).date()

    def midnight(self, on: date) -> datetime:
        return to_instant(self.venue.zone, on, MIDNIGHT)
