"""The zone of the venue that a page or a form is about."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format

from api.models import Venue

from .base import ReadOnlyAdmin


def find_zone(pk: str, kind: str) -> tzinfo:
    """That of the venue which has the row with this id, `kind` being what venues call such rows;
    UTC while none is chosen."""
    if not (pk.isascii() and pk.isdigit() and len(pk) < 19):
        return UTC
    venue = Venue.objects.filter(**{kind: int(pk)}).first()
    return venue.zone if venue else UTC


def format_span(starts_at: datetime, ends_at: datetime, zone: tzinfo) -> str:
    """From when until when; with the day of its end where that is another."""
    starts, ends = starts_at.astimezone(zone), ends_at.astimezone(zone)
    until = "H:i" if starts.date() == ends.date() else "D j M H:i"
    return f"{date_format(starts, 'D j M Y H:i')}–{date_format(ends, until)}"


class LocalTimeAdmin(ReadOnlyAdmin):
    """Rows to be read, each on its page in the time of its venue; `kind` is what venues call such
    rows."""

    kind: str

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        with timezone.override(find_zone(object_id or "", self.kind)):
            response: HttpResponse = super().changeform_view(request, object_id, *args, **kwargs)
            return response.render() if isinstance(response, TemplateResponse) else response
