"""Whom the audit log records, and which answers show people's data.

The rule: an answer to staff, an admin, an operator or a key that holds an address or a phone number
of somebody else, or is a file, is recorded. It is read from the answer itself, so that no view can
forget it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response

from api.models import Booking, Venue
from api.rest.permissions import get_caller
from api.services.audit.recording import AuditActor, record_read
from backend.request_ids import get_request_id

# bounded, as addresses are: a long word without an @ would be read anew from each of its letters
ADDRESS = re.compile(r"[^\s@<>\"']{1,64}@[^\s@<>\"']{1,190}\.[^\s@<>\"']{1,63}")
NOT_PEOPLE = frozenset({"admin_email"})  # of a venue
_PREFIX = re.compile(r"^/(?:admin/api|api/v1|(?:\w+/)?api)/")
_NAMED = re.compile(r"([a-z_-]+)/([0-9]+|[0-9a-f-]{36})(?:/|$)")
# where an address calls it something else
_NOUNS = {"reservations": "booking", "meetings": "booking"}


def get_actor(request: Request | HttpRequest) -> AuditActor | None:
    """Who is recorded; None for a customer and for nobody."""
    return AuditActor.for_caller(get_caller(request)) if request.user.is_authenticated else None


def record_shown_people(request: Request, response: Any, actor: AuditActor) -> None:
    """Writes an entry where the answer shows somebody's data."""
    is_file = not isinstance(response, Response)
    if is_file or shows_people(response.data, getattr(request.user, "email", "")):
        record_look(request, actor, "export" if is_file else "read", _count_rows(response))


def shows_people(content: Any, own_address: str) -> bool:
    """Whether it holds an address or a phone number of somebody else."""
    if isinstance(content, str):
        return "@" in content and any(
            found.casefold() != own_address.casefold() for found in ADDRESS.findall(content)
        )
    if isinstance(content, Mapping):
        return any(
            shows_people(value, own_address)
            or (bool(value) and str(key).endswith("phone") and content.get("email") != own_address)
            for key, value in content.items()
            if key not in NOT_PEOPLE
        )
    if isinstance(content, Iterable) and not isinstance(content, bytes):
        return any(shows_people(each, own_address) for each in content)
    return False


def record_look(
    request: Request | HttpRequest, actor: AuditActor, action: str, rows: int | None = None
) -> None:
    details = {"path": request.path} | ({} if rows is None else {"rows": rows})
    name = name_object(request.path)
    venues = _list_venues(request, name, actor)
    record_read(actor, action, name, venues, details, get_request_id(request))


def name_object(path: str) -> str:
    """`booking:12` for what is below `bookings/12/`, else the path: `dashboard/staff`."""
    path = _PREFIX.sub("", path)
    if named := list(_NAMED.finditer(path)):
        noun, number = named[-1].groups()
        return f"{_NOUNS.get(noun, noun.removesuffix('s'))}:{number}"
    return path.strip("/")


def _list_venues(
    request: Request | HttpRequest, name: str, actor: AuditActor
) -> Iterable[int | None]:
    """Whose people were shown: of the venue of the booking, of the address, or of the door; else
    of every venue that the caller has a role at."""
    noun, _, number = name.partition(":")
    if noun == "booking" and number.isdigit():
        return Booking.objects.filter(pk=number).values_list("venue_id", flat=True)
    slug = request.GET.get("venue") or _get_slug(request.path)
    if slug:
        return Venue.objects.filter(slug=slug).values_list("pk", flat=True)
    if actor.venue is not None or actor.venues is None:
        return [actor.venue]
    return list(actor.venues)


def _get_slug(path: str) -> str:
    found = re.search(r"/venues/([\w-]+)/", path)
    return found[1] if found else ""


def _count_rows(response: Any) -> int | None:
    data = getattr(response, "data", None)
    rows = data.get("results") if isinstance(data, Mapping) else data
    return len(rows) if isinstance(rows, list) else None
