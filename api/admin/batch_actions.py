"""One action on many bookings: one that is refused holds none of the others up."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.contrib import messages
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from api.errors import Refusal
from api.models import Booking
from api.rest.permissions import get_caller
from api.services.actors import Actor
from api.services.bookings.status_changes import apply_to_bookings


def apply_to_each(
    request: HttpRequest, ids: Iterable[int], verb: Callable[[int, Actor], Booking]
) -> None:
    """Call the verb for each booking, and leave a message that says what came of each."""
    results = apply_to_bookings(list(ids), get_caller(request), verb)
    done = [(pk, r.get_status_display()) for pk, r in results if isinstance(r, Booking)]
    refused = [(pk, r.detail) for pk, r in results if isinstance(r, Refusal)]
    if done:
        messages.success(request, _format_results(f"Done for {len(done)}", done))
    if refused:
        messages.warning(request, _format_results(f"Refused for {len(refused)}", refused))


def _format_results(title: str, rows: list[tuple[int, str]]) -> SafeString:
    lines = format_html_join("", "<li>Booking {}: {}</li>", rows)
    return format_html("{}<ul>{}</ul>", title, lines)
