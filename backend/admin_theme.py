"""The theme of the admin and its sidebar. Styles and icons are served from this origin."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def _page(title: str, icon: str, name: str, **more: Any) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(name), **more}


def _list(title: str, icon: str, model: str, **more: Any) -> dict[str, Any]:
    return _page(title, icon, f"admin:{model}_changelist", **more)


def is_operator(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_operator", False))


def is_admin_somewhere(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_admin_somewhere", False))


def style(request: HttpRequest) -> str:
    return static("staff/staff.css")


def icon(request: HttpRequest) -> str:
    return static("staff/icon.svg")


FOR_OPERATORS = {"permission": is_operator}
UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Holdfast",
    "SITE_HEADER": "Holdfast",
    "SITE_SUBHEADER": "Bookings",
    "SITE_SYMBOL": "event_available",
    "SITE_URL": None,
    "DASHBOARD_CALLBACK": "api.admin.dashboard.build_context",
    "STYLES": [style],
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": icon}],
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "primary": {
            "50": "oklch(98.4% .014 180.7)",
            "100": "oklch(95.3% .051 180.8)",
            "200": "oklch(91% .096 180.4)",
            "300": "oklch(85.5% .138 181.1)",
            "400": "oklch(77.7% .152 181.9)",
            "500": "oklch(70.4% .14 182.5)",
            "600": "oklch(55% .118 184.7)",
            "700": "oklch(46.5% .096 186.4)",
            "800": "oklch(43.7% .078 188.2)",
            "900": "oklch(38.6% .063 188.4)",
            "950": "oklch(27.7% .046 192.5)",
        },
    },
    "SIDEBAR": {
        "show_search": False,
        "navigation": [
            {
                "items": [
                    _page("Today", "today", "admin:index"),
                    _page("Board", "view_timeline", "board-first"),
                    _list("Bookings", "event", "api_booking"),
                    _list("Series", "event_repeat", "api_series"),
                    _list("Waitlist", "hourglass_empty", "api_waitlistentry"),
                    _list("Trades", "swap_horiz", "api_trade"),
                    _list("Resources", "meeting_room", "api_resource"),
                    _list("Blocks", "block", "api_block"),
                    _list("Services", "design_services", "api_service"),
                    _list("Pools", "groups", "api_pool"),
                    _list("Venues", "storefront", "api_venue"),
                    _list("People", "group", "api_user"),
                    _list("Members", "badge", "api_membership", permission=is_admin_somewhere),
                ],
            },
            {
                "title": "Money",
                "separator": True,
                "items": [
                    _list("Payments", "payments", "api_payment"),
                    _list("Refunds", "currency_exchange", "api_refund"),
                    _list("Disputes", "gavel", "api_dispute"),
                    _list("Webhooks", "webhook", "api_stripeevent", **FOR_OPERATORS),
                ],
            },
            {
                "title": "Running it",
                "separator": True,
                "items": [
                    _page("Automation", "schedule", "automation", **FOR_OPERATORS),
                    _list("Outbox", "outbox", "api_delivery"),
                    _list("History", "history", "api_bookingevent"),
                    _list("Panels", "tablet", "api_panel"),
                    _list(
                        "Schedule", "more_time", "django_celery_beat_periodictask", **FOR_OPERATORS
                    ),
                ],
            },
        ],
    },
}
