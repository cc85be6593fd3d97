"""What the services refuse: raised once, and worded by each API in its own way.

Every refusal has a stable `code`, an HTTP status, and its data as attributes.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any


class Refusal(Exception):
    """The request cannot be fulfilled; nothing was changed."""

    code = "refused"
    status = 400
    detail = "This cannot be done."

    def __init__(self, detail: str = "", **data: Any) -> None:
        super().__init__(detail or self.detail)
        self.detail = detail or self.detail
        self.data: Mapping[str, Any] = data
        for name, value in data.items():
            setattr(self, name, value)


class Invalid(Refusal):
    """One or more fields are wrong: `errors` maps each to sentences."""

    code = "invalid"
    detail = "Some fields are not valid."
    errors: Mapping[str, Sequence[str]] = {}


class Unfit(Invalid):
    """Each value is valid by itself, but they contradict each other or are out of range."""

    code, detail = "unfit", "These values do not go together."


class ConsentRequired(Invalid):
    """Nobody may go on who has not agreed to the text: `consent` is its id and version."""

    code, detail = "consent_required", "Agree to the text first, by its id."


class UnknownPeople(Invalid):
    """Nobody, or none of the people whom the request may name: it does not say which."""

    code = "unknown_people"


class NotFound(Refusal):
    code, status, detail = "not_found", 404, "There is no such thing, or you may not see it."


class Forbidden(Refusal):
    code, status, detail = "forbidden", 403, "You may not do this."


class LastAdmin(Forbidden):
    """A venue that has an admin keeps one."""

    code, status, detail = "last_admin", 409, "A venue keeps an admin."


class AlreadyResource(Refusal):
    """A person is one resource in the whole instance."""

    code, status = "already_resource", 409
    detail = "This person is a resource already."


class NotSignedIn(Refusal):
    code, status, detail = "not_authenticated", 401, "Sign in first."


class WrongCredentials(Refusal):
    code, status, detail = "wrong_credentials", 401, "No account matches these credentials."


class WrongCode(WrongCredentials):
    code, detail = "wrong_code", "That is not the code of this moment, nor a recovery code."


class ProviderRefused(Refusal):
    """Somebody's account at a provider signs in to no account here."""

    code, status, detail = "provider_refused", 403, "That account does not sign in here."


class CodeRefused(Refusal):
    code, status, detail = "code_refused", 401, "The code is not valid, or was used before."


class TokenRefused(Refusal):
    """A refresh token that is missing, malformed, expired, used or revoked: see `reason`."""

    code, status, detail = "token_refused", 401, "The token is not valid."
    reason = "invalid"


class TooManyAttempts(Refusal):
    code, status, detail = "throttled", 429, "Too many attempts, try again later."
    retry_after = 60


# time


class EndsBeforeStart(Refusal):
    code, detail = "ends_before_start", "The end must be after the start."


class AbsurdTime(Refusal):
    code, detail = "absurd_time", "That is not a time anyone can book."


class InThePast(Refusal):
    code, detail = "in_the_past", "The time is already past."


class TooSoon(Refusal):
    """Inside the minimum notice: `earliest` is the first start that is allowed."""

    code, detail = "too_soon", "Bookings must be made earlier than that."


class TooFarAhead(Refusal):
    """Beyond the maximum advance: `latest` is the last start that is allowed."""

    code, detail = "too_far_ahead", "Bookings are not taken that far ahead."


class SameDayRefused(Refusal):
    code, detail = "same_day_not_allowed", "Bookings for the same day are not taken."


class OutsideHours(Refusal):
    """Not within opening hours: `opens_at` and `closes_at` are the earliest and the latest, `hours`
    all of the date `local_on`; in the local time of the resource."""

    code, detail = "outside_hours", "That is outside the opening hours."


class Closed(Refusal):
    """The date is closed: `reason`."""

    code, detail = "closed", "Closed on that day."


class NotWholeSlots(Refusal):
    """Not a whole number of slots, or off the grid: `slot` is the length."""

    code, detail = "not_whole_slots", "The time must be a whole number of slots."


# the venue and the resource


class GuestsRefused(Refusal):
    code, detail = "guests_refused", "Sign in to book here."


class ResourceUnavailable(Refusal):
    """Retired, switched off or under maintenance."""

    code, detail = "resource_unavailable", "This resource is not available for booking."


class OverCapacity(Refusal):
    """More guests than `capacity`."""

    code, detail = "over_capacity", "More guests than the resource has places for."


class SlotTaken(Refusal):
    """The time overlaps a booking that blocks it.

    `conflicts`: the bookings that block, by start; `alternatives`: nearest free (start, end). Both
    are looked up when they are first read, because most answers show neither."""

    code, status, detail = "slot_taken", 409, "The slot is already booked."

    def __init__(
        self,
        detail: str = "",
        *,
        find_conflicts: Callable[[], Sequence[Any]] = tuple,
        find_alternatives: Callable[[], Sequence[Any]] = tuple,
        **data: Any,
    ) -> None:
        super().__init__(detail, **data)
        self._find_conflicts, self._find_alternatives = find_conflicts, find_alternatives

    @cached_property
    def conflicts(self) -> Sequence[Any]:
        return self._find_conflicts()

    @cached_property
    def alternatives(self) -> Sequence[Any]:
        return self._find_alternatives()


class OccurrencesTaken(SlotTaken):
    """Of a series that is to be booked whole some are taken: `occurrences` says of each."""

    detail = "Some of these times are already booked."


class OccurrencesRefused(Refusal):
    """Of a series that is to be booked whole the rules refuse some, the first by this `code`:
    `occurrences` says of each."""


class DryRunOutdated(Refusal):
    """What the dry run found is not what would be done now: `occurrences`."""

    code, status = "dry_run_outdated", 409
    detail = "It would come out otherwise by now; look at it again."


class NothingToBook(Refusal):
    """Of a series nothing is left to be booked: `occurrences` says why."""

    code, status, detail = "nothing_to_book", 409, "There is nothing left of it to book."


class TooManyHolds(Refusal):
    """One person holds too many slots at once, unpaid or not confirmed: `limit`."""

    code, status, detail = "too_many_holds", 429, "Pay or cancel the slots you hold first."
    retry_after = 60


class QuotaReached(Refusal):
    """The person has as much of the venue as one may: `quota` is the venue's field, `limit` its
    value, and at `free_at` it does not refuse any more, null where it always will."""

    code, status, detail = "quota_reached", 409, "One person may not have more here."


# transitions


class NotAllowedNow(Refusal):
    """There is no such transition from the row's status, which is `current`."""

    code, status, detail = "wrong_status", 409, "That is not possible in its present status."
    current = ""


class AlreadyDone(NotAllowedNow):
    """The transition was made before: `current` is already its target."""

    code, detail = "already_done", "That has already been done."


class AlreadyBegun(Refusal):
    code, status, detail = "already_begun", 409, "It has already begun or is over."


class CheckInClosed(Refusal):
    """Outside the check-in window: `opens_at`, `closes_at`."""

    code, status, detail = "check_in_closed", 409, "Check-in is not open now."


class Conflict(Refusal):
    code, status, detail = "conflict", 409, "That clashes with what is there already."


class Busy(Refusal):
    """Another request was in the way for too long, or twice. Trying again is right."""

    code, status, detail = "busy", 409, "Somebody else is changing this, try again."
    retry_after = 1


class StorageFull(Refusal):
    """A disk is nearly full: reads go on, and writes once there is room again."""

    code, status, detail = "storage_full", 503, "There is no room to store this, try again later."
    retry_after = 30


# money


class AlreadyPaid(Refusal):
    code, status, detail = "already_paid", 409, "It is already paid."


class NothingToPay(Refusal):
    code, status, detail = "nothing_to_pay", 409, "There is nothing to pay for it."


class HoldOver(NotAllowedNow):
    """The hold is past its deadline, whether or not a sweep has expired it."""

    code, detail = "hold_over", "The hold has run out."


class WrongAmount(Refusal):
    """Not the price, which is `amount_minor` in `currency`."""

    code, detail = "wrong_amount", "The amount is not the price of the booking."


class NothingToRefund(Refusal):
    """More than can still be refunded: `left_minor`."""

    code, status, detail = "nothing_to_refund", 409, "That is more than is left to give back."


class PaymentDisputed(Refusal):
    """Stripe refuses refunds until the dispute is closed."""

    code, status = "payment_disputed", 409
    detail = "The customer's bank takes this payment back: nothing can be refunded meanwhile."


# trades


class TradeRefused(Refusal):
    """`which` is the side whose booking cannot be traded: requester or target. `unknown`: there is
    no such booking, or it is not that side's."""

    code, detail = "trade_refused", "These bookings cannot be traded."
    which = "target"
    unknown = False


# accounts


class EmailTaken(Invalid):
    code, detail = "email_taken", "This e-mail address already has an account."


class UsernameTaken(Invalid):
    code, detail = "username_taken", "This username is taken."


class WrongPassword(Invalid):
    code, detail = "wrong_password", "The current password is not right."


class LinkRefused(Invalid):
    """The link of an e-mail was used before, has expired or is invalid."""

    code, detail = "link_refused", "The link is not valid any more."


class WeakPassword(Invalid):
    code, detail = "weak_password", "Choose a better password."
