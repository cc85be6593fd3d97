"""Sweeps: each makes one transition for everything that is due."""

from celery import shared_task

from api.lifecycle import BOOKING, TRADE, WAITLIST
from api.queries.panels.room_changes import list_rooms_changed_since
from api.services.bookings.sweeps import sweep
from api.services.messages import reminders
from api.services.operations import jobs
from api.services.reviews.review import review_changed_venues
from api.services.series import extend, no_shows
from api.services.venues import block_renewal
from api.services.waitlist.offers import make_left_offers

from . import pushes


@shared_task
def expire_holds() -> int:
    """Holds expired in this run."""
    return jobs.run("expire_holds", lambda: sweep(BOOKING.expire, "expire_holds"))


@shared_task
def lapse_requests() -> int:
    """Requests that nobody answered before their slot began."""
    return jobs.run("lapse_requests", lambda: sweep(BOOKING.lapse, "lapse_requests"))


@shared_task
def lapse_offers() -> int:
    """Offers that whoever waited did not answer in time."""
    return jobs.run("lapse_offers", lambda: sweep(BOOKING.lapse_offer, "lapse_offers"))


@shared_task
def lapse_waitlist() -> int:
    """Entries of the waitlist whose window has passed."""
    return jobs.run("lapse_waitlist", lambda: sweep(WAITLIST.lapse, "lapse_waitlist"))


@shared_task
def make_offers() -> int:
    """Offers of time that was freed past the services."""
    return jobs.run("make_offers", make_left_offers)


@shared_task
def release_no_shows() -> int:
    """Bookings released because nobody checked in."""
    return jobs.run("release_no_shows", lambda: sweep(BOOKING.release, "release_no_shows"))


@shared_task
def complete_finished() -> int:
    """Bookings whose time is over."""
    return jobs.run("complete_finished", lambda: sweep(BOOKING.complete, "complete_finished"))


@shared_task
def lapse_trades() -> int:
    """Offers of trade that ended unanswered."""
    return jobs.run("lapse_trades", lambda: sweep(TRADE.lapse, "lapse_trades"))


@shared_task
def review_bookings() -> int:
    """Bookings that a rule was changed under."""
    return jobs.run("review_bookings", review_changed_venues)


@shared_task
def extend_series() -> int:
    """Series of which a later occurrence can be booked by now."""
    return jobs.run("extend_series", extend.extend_due_series)


@shared_task
def end_series() -> int:
    """Series ended because nobody came too often."""
    return jobs.run("end_series", no_shows.end_missed_series)


@shared_task
def renew_blocks() -> int:
    """Endless blocks that were given more times."""
    return jobs.run("renew_blocks", block_renewal.renew_blocks)


@shared_task
def send_reminders() -> int:
    """Reminders queued."""
    return jobs.run("send_reminders", reminders.queue_due)


@shared_task
def push_panels() -> int:
    """Rooms announced to their panels because time alone changed what they show."""
    return jobs.run("push_panels", lambda: pushes.push_now(list_rooms_changed_since("push_panels")))
