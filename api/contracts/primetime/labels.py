"""What our statuses, types and verbs are called here."""

from __future__ import annotations

from collections.abc import Mapping

from api.lifecycle import Status, TradeStatus

# our statuses in the contract's five: an end that is nobody's decision is a cancellation, a booked
# time that has passed is completed whether or not anybody came
STATUS_LABELS: Mapping[str, str] = {
    Status.OFFERED: "PENDING",
    Status.HELD: "PENDING",
    Status.PENDING: "PENDING",
    Status.CONFIRMED: "CONFIRMED",
    Status.CHECKED_IN: "CONFIRMED",
    Status.COMPLETED: "COMPLETED",
    Status.NO_SHOW: "COMPLETED",
    Status.CANCELLED: "CANCELLED",
    Status.EXPIRED: "CANCELLED",
    Status.REJECTED: "REJECTED",
}
STATUS_DISPLAYS = {
    "PENDING": "Pending Approval",
    "CONFIRMED": "Confirmed",
    "REJECTED": "Rejected",
    "CANCELLED": "Cancelled",
    "COMPLETED": "Completed",
}
TRADE_STATUS_LABELS: Mapping[str, str] = {
    TradeStatus.OFFERED: "PENDING",
    TradeStatus.ACCEPTED: "ACCEPTED",
    TradeStatus.REJECTED: "REJECTED",
    TradeStatus.WITHDRAWN: "CANCELLED",
    TradeStatus.LAPSED: "CANCELLED",
}
TYPE_LABELS = {True: "PRIMETIME", False: "FREE_FOR_ALL"}
TYPE_DISPLAYS = {True: "Primetime", False: "Free for All"}
WEEKDAYS = dict(
    enumerate(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"))
)
# by the verb of a line of history; any other is an update
ACTION_LABELS: Mapping[str, str] = {
    "book": "CREATED",
    "approve": "APPROVED",
    "reject": "REJECTED",
    "cancel": "CANCELLED",
    "end_series": "CANCELLED",
    "expire": "CANCELLED",
    "lapse": "CANCELLED",
    "trade": "TRADED",
    "": "UPDATED",
}
