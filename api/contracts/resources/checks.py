"""The order in which the policy is checked: whoever fails twice hears of the first."""

from datetime import datetime

from api import errors, policy
from api.policy import Rules


def check_new(rules: Rules, starts: datetime, ends: datetime, now: datetime, guests: int) -> None:
    """A switched-off resource, the notice, the end after the start, then the rest."""
    if not rules.resource.bookable:
        raise errors.ResourceUnavailable
    earliest = now + rules.venue.min_notice
    if starts < earliest - policy.NETWORK_ALLOWANCE:
        raise errors.TooSoon(earliest=earliest, rules=rules)
    policy.check_booking(rules, starts, ends, now, guests)


def check_move(
    began: datetime, rules: Rules, starts: datetime, ends: datetime, now: datetime, guests: int
) -> None:
    """Moving the start owes the notice again."""
    if starts == began:
        check_not_over(rules, starts, ends, now, guests)
    else:
        check_new(rules, starts, ends, now, guests)


def check_not_over(
    rules: Rules, starts: datetime, ends: datetime, now: datetime, guests: int
) -> None:
    """Staff may put any time right that is not over."""
    if ends <= now:
        raise errors.InThePast
    policy.check_resource(rules, starts, ends, guests)
