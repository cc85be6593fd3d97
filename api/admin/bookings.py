"""Bookings: created and moved by the services alone."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from api import errors, money
from api.models import Booking, BookingEvent, Trade, User
from api.queries.bookings import timeline
from api.queries.bookings.part_names import get_place_text
from api.services.actors import Actor
from api.services.bookings.actions import approve_booking, cancel_booking, reject_booking
from api.services.bookings.changes import BookingChanges
from api.services.bookings.create import BookingRequest, create_booking
from api.services.bookings.reschedule import reschedule_booking

from . import booking_verbs
from .base import EditableAdmin, OwnVenueFilter, ReadOnlyAdmin
from .batch_actions import apply_to_each
from .zones import find_zone, format_span

EDITABLE_FIELDS = ("resource", "quantity", "starts_at", "ends_at", "title", "notes", "guests")
FORM_FIELDS = ("owner", *EDITABLE_FIELDS)
NOT_SHOWN = (*FORM_FIELDS, "id", "several", "guest_key", "guest_link", "price_minor", "currency")
SUMMARY = ("status", "venue", "when", "parts")
TABS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Deadlines",
        (
            *("hold_expires_at", "lapses_at", "check_in_opens_at", "check_in_closes_at"),
            *("no_show_at", "completes_at", "remind_at", "offer_expires_at"),
        ),
    ),
    ("Money", ("price", "payment_status")),
)


def _find_zone(request: HttpRequest, object_id: str | None) -> tzinfo:
    if object_id:
        return find_zone(object_id, "bookings")
    return find_zone(request.POST.get("resource", ""), "resources")


class BookingForm(ModelForm):
    """Cleaning the form calls the service, so that a refusal is shown beside the fields."""

    user: User  # set by `BookingAdmin.get_form`

    class Meta:
        model = Booking
        fields = FORM_FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "quantity" in self.fields:
            self.fields["quantity"].required = False

    def clean(self) -> dict[str, Any]:
        values = dict(super().clean() or {})
        if self.errors:
            return values
        if values.get("quantity") is None:
            values.pop("quantity", None)
        try:
            self.instance = self._write(values)
        except errors.Refusal as refusal:
            raise forms.ValidationError(refusal.detail, code=refusal.code) from None
        return values

    def _write(self, values: dict[str, Any]) -> Booking:
        venue_id = values["resource"].venue_id
        values["resource"] = values["resource"].pk
        if self.instance.pk is None:
            actor = Actor.in_venue(self.user, venue_id)
            return create_booking(BookingRequest(contract="admin", **values), actor=actor)
        values.pop("owner", None)
        actor = Actor.for_booking(self.user, self.instance)
        # one of a service that is named its own resource would be one of a service no more
        changes = BookingChanges(**values).without_unchanged(self.instance)
        return reschedule_booking(self.instance.pk, actor, changes)

    def _post_clean(self) -> None:
        """Skip the model's validation: the row is written already."""


@admin.register(Booking)
class BookingAdmin(EditableAdmin):
    form = BookingForm
    list_display = (
        *("id", "venue", "resource", "quantity", "service"),
        *("person", "when", "status", "again"),
    )
    list_filter = (("venue", OwnVenueFilter), "status", "payment_status")
    search_fields = (
        *("id", "title", "resource__name"),
        *("owner__email", "owner__last_name", "guest_email", "guest_name"),
    )
    list_select_related = ("venue", "resource", "owner", "service")
    date_hierarchy = "starts_at"
    show_full_result_count = False
    autocomplete_fields = ("owner", "resource")
    change_form_outer_before_template = "staff/booking.html"
    actions = ("approve_all", "reject_all", "cancel_all")
    readonly_fields = (
        "when",
        "parts",
        "price",
        "again",
        *(f.name for f in Booking._meta.concrete_fields if f.name not in NOT_SHOWN),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Booking | None = None) -> Any:
        return self.readonly_fields if obj is None else ("owner", *self.readonly_fields)

    def get_fieldsets(self, request: HttpRequest, obj: Booking | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": FORM_FIELDS, "description": "Times are the venue's."})]
        summary = (*SUMMARY, "again") if obj.series_id else SUMMARY
        placed = {name for _, names in TABS for name in names} | {*SUMMARY, "again"}
        rest = [name for name in self.readonly_fields if name not in placed]
        return [
            (
                None,
                {
                    "fields": (*summary, *FORM_FIELDS),
                    "description": f"Times are the venue's, in {obj.venue.time_zone}.",
                },
            ),
            *((title, {"classes": ["tab"], "fields": names}) for title, names in TABS),
            ("Record", {"classes": ["tab"], "fields": rest}),
        ]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Shown and read in the time of the venue: the booking's, or that of the resource that was
        chosen for a new one."""
        with timezone.override(_find_zone(request, object_id)):
            response: HttpResponse = super().changeform_view(request, object_id, *args, **kwargs)
            return response.render() if isinstance(response, TemplateResponse) else response

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        return type("Form", (form,), {"user": request.user})

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        booking = context.get("original")
        if booking is not None:
            context |= booking_verbs.build_context(booking)
            context |= {"timeline": timeline.list_timeline(booking)}
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="When, there", ordering="starts_at")
    def when(self, booking: Booking) -> str:
        """Return the booking's time in the venue's zone; other times on these pages are UTC."""
        return format_span(booking.starts_at, booking.ends_at, booking.venue.zone)

    @admin.display(description="What it takes")
    def parts(self, booking: Booking) -> str:
        """Return all that it takes, with the service that it is for."""
        what = get_place_text(booking)
        return f"{booking.service}: {what}" if booking.service else what

    @admin.display(description="Series", ordering="series")
    def again(self, booking: Booking) -> str:
        """A mark that leads to its series; empty for what comes once."""
        if booking.series_id is None:
            return ""
        url = reverse("admin:api_series_change", args=[booking.series_id])
        return format_html('<a href="{}">↻ {}</a>', url, booking.series_id)

    @admin.display(description="Price")
    def price(self, booking: Booking) -> str:
        return money.format_amount(booking.price_minor, booking.currency) or "free of charge"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Booking, form: Any, change: bool) -> None:
        """Do nothing: the service has written it."""

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:
        """Do nothing: history is not edited here."""

    def construct_change_message(
        self, request: Any, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        return super().construct_change_message(request, form, [], add)

    @admin.action(description="Approve")
    def approve_all(self, request: HttpRequest, rows: QuerySet[Booking]) -> None:
        apply_to_each(request, rows.order_by("pk").values_list("pk", flat=True), approve_booking)

    @admin.action(description="Reject")
    def reject_all(self, request: HttpRequest, rows: QuerySet[Booking]) -> None:
        apply_to_each(request, rows.order_by("pk").values_list("pk", flat=True), reject_booking)

    @admin.action(description="Cancel")
    def cancel_all(self, request: HttpRequest, rows: QuerySet[Booking]) -> None:
        apply_to_each(request, rows.order_by("pk").values_list("pk", flat=True), cancel_booking)


@admin.register(BookingEvent)
class BookingEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "booking_id", "verb", "from_status", "to_status", "by", "actor_name")
    list_filter = ("verb", "by")
    search_fields = ("booking__id",)
    show_full_result_count = False


@admin.register(Trade)
class TradeAdmin(ReadOnlyAdmin):
    list_display = ("id", "requester", "target", "status", "created_at", "responded_at")
    list_filter = ("status",)
    list_select_related = ("requester", "target")
