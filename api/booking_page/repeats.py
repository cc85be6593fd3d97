"""A time that is wanted again every week or two: what would come of each date is shown first, and
what was shown is what is then booked, by the token of the dry run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django import forms

from api import errors, money
from api.lifecycle import HELD, PENDING
from api.models import Series, User, Venue
from api.models.series import OnConflict, Outcome
from api.opening_hours import Interval
from api.queries.series.occurrences import OccurrenceOutcome
from api.recurrence import MAX_OCCURRENCES
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest
from api.services.series import dry_runs
from api.services.series.create import SeriesRequest, create_series

from .wording import describe, format_times

OFFERED_MODES: Final = (OnConflict.SKIP.value, OnConflict.NEAREST.value)


class RepeatForm(forms.Form):
    """How often, and how many times or until when. Nothing chosen: just once."""

    repeat = forms.ChoiceField(
        choices=[("", "Just once"), ("1", "Every week"), ("2", "Every two weeks")],
        label="How often",
        required=False,
    )
    times = forms.IntegerField(
        label="How many times", min_value=2, max_value=MAX_OCCURRENCES, required=False, initial=4
    )
    until = forms.DateField(
        label="Or until this day",
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, data: Any, *, first_on: date) -> None:
        super().__init__(data, auto_id="repeat_%s", label_suffix="")
        self.first_on = first_on
        self.fields["until"].widget.attrs["min"] = first_on.isoformat()

    @property
    def is_wanted(self) -> bool:
        return self.is_bound and bool(self.data.get("repeat"))

    def clean(self) -> dict[str, Any]:
        values = dict(super().clean() or {})
        if self.errors or not values["repeat"]:
            return values
        if values["until"] and values["until"] <= self.first_on:
            self.add_error("until", "Choose a day after the first one.")
        elif not values["until"] and not values["times"]:
            self.add_error("times", "Say how many times, or until which day.")
        return values

    @property
    def rule(self) -> str:
        """As RFC 5545 has it. The day, where one is given, counts and not the number."""
        values = self.cleaned_data
        ends = f"UNTIL={values['until']:%Y%m%d}" if values["until"] else f"COUNT={values['times']}"
        return f"FREQ=WEEKLY;INTERVAL={values['repeat']};{ends}"


@dataclass(frozen=True)
class Day:
    """What would come of one date. `kind` is how it is coloured."""

    starts_at: datetime
    times: str
    kind: str
    label: str
    text: str = ""
    instead: Interval | None = None


@dataclass(frozen=True)
class Preview:
    """`choices`: what can be done with it, as the value and the label of a button each;
    `later`: whether some dates are too far ahead yet."""

    days: Sequence[Day]
    summary: str
    choices: Sequence[tuple[str, str]]
    later: bool


@dataclass(frozen=True)
class Repeat:
    """`first`, wanted again by the `rule` by `user`, whose it is to be."""

    user: User
    first: BookingRequest
    rule: str
    venue: Venue

    def preview(self) -> Preview:
        """Refuses what no date of it could be booked for, such as a rule that cannot be."""
        outcomes, token = self._look(OnConflict.SKIP.value)
        runs = [(outcomes, token)] if any(map(_is_booked, outcomes)) else []
        moved: dict[datetime, Interval] = {}
        if any(each.outcome == Outcome.TAKEN for each in outcomes):
            nearest, token = self._look(OnConflict.NEAREST.value)
            found = (each for each in nearest if each.outcome == Outcome.MOVED)
            moved = {each.recurrence_id: each.interval for each in found}
            runs += [(nearest, token)] * bool(moved)
        return Preview(
            [self._build_day(each, moved.get(each.recurrence_id)) for each in outcomes],
            _summarize(outcomes),
            [(token, self._build_label(found)) for found, token in runs],
            any(each.outcome == Outcome.LATER for each in outcomes),
        )

    def book(self, pressed: str, consent: Callable[[Venue], None]) -> Series:
        """Books what the pressed button of a preview stands for; the same series where it was
        pressed before. Refuses `DryRunOutdated`, and `Unfit` for its `token`."""
        mode, _, token = pressed.partition(":")
        if mode not in OFFERED_MODES:
            raise dry_runs.refuse_token()
        body = self._describe(mode)
        try:
            dry_run = dry_runs.read_token(token, self._scope, body)
            request = self._build_request(mode, dry_run)
            return create_series(request, self._actor, consent=consent).series
        except errors.Refusal:
            # pressed twice: the second finds its token used, or the times taken, by the first
            if booked := dry_runs.find_booked(token, self._scope, body):
                return booked
            raise

    @property
    def _actor(self) -> Actor:
        return Actor.for_new_booking(self.user)

    @property
    def _scope(self) -> str:
        """Whose tokens they are."""
        return f"page:{self.user.pk}"

    def _look(self, mode: str) -> tuple[Sequence[OccurrenceOutcome], str]:
        outcomes = create_series(self._build_request(mode), self._actor, dry_run=True).outcomes
        token = dry_runs.build_token(self._scope, self._describe(mode), outcomes)
        return outcomes, f"{mode}:{token}"

    def _build_request(self, mode: str, dry_run: dry_runs.DryRun | None = None) -> SeriesRequest:
        return SeriesRequest(self.first, self.rule, on_conflict=mode, dry_run=dry_run)

    def _describe(self, mode: str) -> Mapping[str, Any]:
        """What the dates hang on: the rest may be written while they are looked at."""
        first = self.first
        what = (first.resource, first.service, first.prefer, first.quantity)
        return {"what": what, "when": (first.starts_at, first.ends_at, first.duration),
                "rule": self.rule, "mode": mode}  # fmt: skip

    def _build_day(self, each: OccurrenceOutcome, instead: Interval | None) -> Day:
        zone = self.venue.zone
        when = each.starts_at, format_times(*each.interval, zone)
        if each.outcome == Outcome.TAKEN:
            text = "" if instead else "Nothing is free within a day of it."
            return Day(*when, "wait", "Taken", text, instead)
        if each.refusal is not None:
            return Day(*when, "bad", "Not possible", describe(each.refusal, zone))
        if each.outcome == Outcome.LATER:
            return Day(*when, "", "Later")
        return Day(*when, "good", "Free")

    def _build_label(self, outcomes: Sequence[OccurrenceOutcome]) -> str:
        """`Book all 4, 1 at the nearest free time`"""
        found, every = [each.outcome for each in outcomes], len(outcomes)
        moved, later = found.count(Outcome.MOVED), found.count(Outcome.LATER)
        booked = found.count(Outcome.WOULD_BOOK) + moved + later
        if booked == every:
            what = f"all {every}"
        elif moved or later:
            what = f"{booked} of {every}"
        else:
            what = f"the {booked} that {_agree(booked)} free"
        label = f"{_find_verb(outcomes)} {what}"
        if moved:
            label += f", {moved} at the nearest free time"
        elif later and Outcome.TAKEN in found:
            label += ", without what is taken"
        price = sum(each.booking.price_minor for each in outcomes if each.booking)
        amount = money.format_amount(price, self.venue.currency) if price else ""
        return f"{label}: {amount}" if amount else label


def is_of_token(refusal: errors.Unfit) -> bool:
    """Whether what was pressed is not what was shown."""
    return "token" in refusal.errors


def _is_booked(each: OccurrenceOutcome) -> bool:
    """Now, or later by the clock."""
    return each.outcome in (Outcome.WOULD_BOOK, Outcome.MOVED, Outcome.LATER)


def _find_verb(outcomes: Sequence[OccurrenceOutcome]) -> str:
    statuses = {each.booking.status for each in outcomes if each.booking}
    if HELD in statuses:
        return "Hold and pay for"
    return "Ask for" if PENDING in statuses else "Book"


def _summarize(outcomes: Sequence[OccurrenceOutcome]) -> str:
    """`8 of 10 times are free, 1 is taken, 1 is not possible.`"""
    found = [each.outcome for each in outcomes]
    free, every = found.count(Outcome.WOULD_BOOK), len(found)
    if free == every:
        return f"All {every} times are free."
    parts = [f"{free} of {every} times {_agree(free)} free"]
    for outcome, text in (
        (Outcome.TAKEN, "taken"), (Outcome.REFUSED, "not possible"), (Outcome.LATER, "for later"),
    ):  # fmt: skip
        if number := found.count(outcome):
            parts.append(f"{number} {_agree(number)} {text}")
    return ", ".join(parts) + "."


def _agree(number: int) -> str:
    return "is" if number == 1 else "are"
