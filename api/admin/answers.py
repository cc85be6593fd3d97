"""Answers to many bookings at once, each told by itself: one that is refused holds nobody up."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.contrib import messages
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from api.errors import Refusal
from api.models import Booking
from api.services.actors import Actor
from api.services.bookings.status_changes import apply_to_bookings


def give(request: HttpRequest, ids: Iterable[int], verb: Callable[[int, Actor], Booking]) -> None:
    """Does it for each, and leaves a message with what came of each."""
    actor = Actor.person(request.user)  # type: ignore[arg-type]
    results = apply_to_bookings(list(ids), actor, verb)
    done = [(pk, r.get_status_display()) for pk, r in results if isinstance(r, Booking)]
    refused = [(pk, r.detail) for pk, r in results if isinstance(r, Refusal)]
    if done:
        messages.success(request, _told(f"Done for {len(done)}", done))
    if refused:
        messages.warning(request, _told(f"Refused for {len(refused)}", refused))


def _told(head: str, rows: list[tuple[int, str]]) -> SafeString:
    lines = format_html_join("", "<li>Booking {}: {}</li>", rows)
    return format_html("{}<ul>{}</ul>", head, lines)
