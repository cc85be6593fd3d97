"""Venues and their primetime windows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.db import models
from rest_framework import serializers

from api.errors import Unfit
from api.models import PrimetimeWindow, Venue
from api.models.venues import DAY, MINUTE
from api.opening_hours import MIDNIGHT
from api.queries.venues.hours import get_uniform_hours
from api.rest.credentials import OptionalEmailField
from api.services.venues.hours import UNIFORM

from .base import StrictMixin, describe, example
from .fields import (
    DurationField,
    NetworkField,
    RegionField,
    SignedDurationField,
    TimeZoneField,
    WallTimeField,
)
from .reviews import AFFECTED, AffectedMixin

SECOND = timedelta(seconds=1)
VENUE = {
    "slug": "club",
    "time_zone": "Europe/Berlin",
    "currency": "eur",
    "min_notice": "00:30:00",
    "closed_weekdays": [6],
    "name": "The Club",
    "opens_at": "07:00:00",
    "closes_at": "22:00:00",
    "hours_enforced": True,
    "holidays": "DE-BY",
    "slot_length": "01:00:00",
    "slot_step": "00:15:00",
    "slot_rule": "free",
    "capacity_enforced": True,
    "approval": "primetime",
    "primetime_any_overlap": True,
    "max_advance": "720:00:00",
    "same_day_allowed": True,
    "joining": "open",
    "hold_length": "00:30:00",
    "guests": True,
    "guest_hold": "00:15:00",
    "max_open_holds": 50,
    "max_bookings_ahead": 5,
    "max_hours_a_week": "06:00:00",
    "max_open_requests": None,
    "no_shows_before_pause": None,
    "pause_length": None,
    "check_in_required": False,
    "check_in_opens_before": "00:15:00",
    "check_in_closes_after": "00:15:00",
    "no_show_grace": "00:15:00",
    "grace_from_booking": True,
    "series_no_show_limit": None,
    "completion_from": "end",
    "completion_after": "00:00:00",
    "remind_before": None,
    "refund_until": "24:00:00",
    "late_refund_percent": 0,
    "second_factor_required": False,
    "retention": None,
    "send_confirmation_emails": True,
    "created_at": "2030-01-01T08:00:00Z",
    "updated_at": "2030-01-01T08:00:00Z",
}


@example(VENUE, request={"slug": "club", "name": "The Club", "time_zone": "Europe/Berlin"})
class VenueSerializer(StrictMixin, serializers.ModelSerializer[Venue]):
    serializer_field_mapping: ClassVar = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.DurationField: DurationField,
        models.TimeField: WallTimeField,
    }
    slug = serializers.RegexField(
        r"^[a-zA-Z0-9_-]+$", max_length=50, help_text="Its name in paths and filters."
    )
    time_zone = TimeZoneField(
        required=False, help_text="The zone of its clock on the wall, for example Europe/Berlin."
    )
    currency = serializers.RegexField(
        r"^[a-z]{3}$", required=False, help_text="ISO 4217, in small letters."
    )
    min_notice = SignedDurationField(
        required=False,
        help_text="How long before its start a slot must be booked. Negative: one that has begun"
        " may still be booked.",
    )
    admin_email = OptionalEmailField(
        required=False,
        help_text="Who gets the e-mails for staff; shown to staff only.",
    )
    closed_weekdays = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=6),
        max_length=7,
        required=False,
        allow_null=True,
        help_text="Weekdays on which it is closed; 0 is Monday. Null as `opens_at` is.",
    )
    holidays = RegionField(
        required=False,
        allow_null=True,
        help_text="The country, or part of it, on whose public holidays it is closed: `DE-BY`,"
        " `US-CA`; null for none. An exception on that day goes before it.",
    )
    panel_networks = serializers.ListField(
        child=NetworkField(),
        max_length=50,
        required=False,
        help_text="Networks (CIDR) whose panels need no token; shown to staff only.",
    )

    class Meta:
        model = Venue
        exclude = ["id", "wording", "rules_version", "consent_version"]
        read_only_fields = ["created_at", "updated_at"]
        extra_kwargs = describe(
            name="What people call it.",
            opens_at="When it opens, by its own clock; null where today's week is not the same"
            " every day (`hours/`).",
            closes_at="When it closes; before `opens_at` it is the next day, 00:00 is midnight, and"
            " 00:00 to 00:00 is the whole day. Null as `opens_at` is.",
            hours_enforced="Whether bookings outside its hours are refused; exceptions hold in any"
            " case.",
            slot_length="The length of a slot.",
            slot_step="Services begin every so long from each opening.",
            slot_rule="`free`: any start and end. `whole`: a whole number of slots. `grid`: whole"
            " slots counted from opening.",
            capacity_enforced="Whether bookings for more guests than a resource has places for are"
            " refused.",
            approval="Which bookings wait for staff: none, those in primetime, or all.",
            primetime_any_overlap="Whether a booking that touches a window is primetime; if not,"
            " it has to lie wholly inside.",
            max_advance="How far ahead one may book; null for any.",
            joining="`open`: whoever books becomes a customer; `invited`: only its members book.",
            same_day_allowed="Whether one may book for today.",
            hold_length="How long a booking is held for payment.",
            guests="Whether people without an account may book.",
            guest_hold="How long a guest's booking is held until it is confirmed by the letter's"
            " link.",
            max_open_holds="How many unpaid bookings one person may hold.",
            max_bookings_ahead="How many bookings that have not begun one person may have; null"
            " for any.",
            max_hours_a_week="How long one person's bookings may last together in an ISO week of"
            " the venue's time; null for any.",
            max_open_requests="How many bookings of one person may wait for approval; null for"
            " any.",
            no_shows_before_pause="After how many missed bookings a person books nothing for"
            " `pause_length`; null for never.",
            pause_length="How long that lasts, from the last of them on.",
            check_in_required="Whether a booking is given away if nobody checks in.",
            check_in_opens_before="How long before the start check-in opens.",
            check_in_closes_after="How long after the start check-in closes.",
            no_show_grace="How long after the start a booking counts as a no-show.",
            grace_from_booking="Whether a booking made after its start has its grace counted from"
            " when it was made.",
            series_no_show_limit="How many no-shows end a series; null for none.",
            completion_from="Whether `completion_after` counts from the start or the end.",
            completion_after="How long after that a booking counts as over.",
            remind_before="How long before the start a reminder is sent; null for none.",
            refund_until="How long before the start one cancels to get all back.",
            late_refund_percent="What is given back of a later one, in percent.",
            second_factor_required="Whether staff and admins who signed in without a second factor"
            " may do there only what customers may.",
            retention="How long after its end a booking's people are forgotten, a day or longer;"
            " null for never.",
            send_confirmation_emails="Whether people get e-mails about their bookings.",
        )

    def to_representation(self, instance: Venue) -> dict[str, Any]:
        data = super().to_representation(instance)
        opens, closes, closed_weekdays = get_uniform_hours(instance)
        data["opens_at"], data["closes_at"] = (at and at.isoformat() for at in (opens, closes))
        data["closed_weekdays"] = closed_weekdays
        request = self.context.get("request")
        if not (request and request.user.is_staff_of(instance.pk)):
            data.pop("admin_email")
            data.pop("panel_networks")
        return data

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        too_short = {
            name: ["Must be longer."]
            for name, least in (
                *(("slot_length", MINUTE), ("slot_step", MINUTE), ("hold_length", SECOND)),
                *(("guest_hold", SECOND), ("retention", DAY)),
                *(("max_hours_a_week", SECOND), ("pause_length", SECOND)),
            )
            if attrs.get(name) is not None and attrs[name] < least
        }
        if too_short:
            raise Unfit(errors=too_short)
        self._check_pause(attrs)
        if self.instance is None:  # its hours begin with those that are sent, or always open
            for name in UNIFORM:
                if attrs.get(name, ()) is None:
                    del attrs[name]
            opens, closes = (attrs.get(name, MIDNIGHT) for name in UNIFORM[:2])
            if opens == closes != MIDNIGHT:
                raise Unfit(errors={"closes_at": ["Must differ from `opens_at` or be 00:00 too."]})
        return attrs

    def _check_pause(self, attrs: dict[str, Any]) -> None:
        limit, length = (
            attrs.get(name, getattr(self.instance, name, None))
            for name in ("no_shows_before_pause", "pause_length")
        )
        if limit is not None and length is None:
            raise Unfit(errors={"pause_length": ["Say how long the pause lasts."]})


@example(
    VENUE | {"time_zone": "Asia/Tokyo", "affected": [AFFECTED | {"code": "time_zone_changed"}]},
    request={"time_zone": "Asia/Tokyo"},
)
class VenueChangeSerializer(AffectedMixin, VenueSerializer):
    pass


WINDOW = {"weekday": 0, "starts_at": "17:00:00", "ends_at": "20:00:00", "is_active": True}


@example({"id": 4} | WINDOW, request=WINDOW)
class PrimetimeWindowSerializer(StrictMixin, serializers.ModelSerializer[PrimetimeWindow]):
    weekday = serializers.IntegerField(min_value=0, max_value=6, help_text="0 is Monday.")
    starts_at = WallTimeField(help_text="When it begins, by the venue's clock.")
    ends_at = WallTimeField(help_text="When it ends, by the venue's clock; 00:00 is midnight.")

    class Meta:
        model = PrimetimeWindow
        fields = ["id", "weekday", "starts_at", "ends_at", "is_active"]
        extra_kwargs = describe(is_active="Whether it counts.")
