"""Every path of the APIs: our own, the contracts', the pages and the panels' page."""

from typing import Any

from django.urls import include, path, re_path

from api.booking_page import guests
from api.booking_page.front_page import FrontPageView
from api.booking_page.password_page import PasswordPageView
from api.contracts import CONTRACTS
from api.contracts.circletime.consumers import PanelRoomConsumer
from api.contracts.kit.schema import schema_urls
from api.dispatch.view import dispatch, dispatch_prefixed
from api.realtime.consumers import RoomConsumer, UnknownPathConsumer
from api.v1.consumers import PanelConsumer
from api.v1.views import account_links, panels


def build_socket_path(route: str, consumer: type[RoomConsumer]) -> Any:
    application: Any = consumer.as_asgi()
    return re_path(route, application)


urlpatterns = [
    path("", FrontPageView.as_view(contracts=CONTRACTS)),
    path("api/v1/", include("api.v1.urls")),  # first, as most are asked for there
    path("account/undo/<str:token>/", account_links.UndoChangeView.as_view()),
    path("account/confirm/<str:token>/", account_links.ConfirmAddressView.as_view()),
    path("account/join/<str:token>/", account_links.JoinView.as_view()),
    path("account/", include("api.account_pages.urls")),
    path("book/", include("api.booking_page.urls")),
    path("guests/<str:token>/", guests.GuestBookingView.as_view()),
    path("password-reset/<str:uid>/<str:token>", PasswordPageView.as_view()),
    path("panel/", panels.PanelPageView.as_view()),
    path("panel", panels.PanelPageView.as_view()),
    re_path(r"^api/(?P<path>.*)$", dispatch),
    *(path(f"{c.name}/api/", include(schema_urls(c))) for c in CONTRACTS.values()),
    *(path(f"{c.name}/api/", include(c.urls)) for c in CONTRACTS.values()),
    re_path(rf"^(?P<contract>{'|'.join(CONTRACTS)})/api/(?P<path>.*)$", dispatch_prefixed),
]

# WebSockets
websockets: list[Any] = [
    build_socket_path(r"^api/v1/panels/ws/?$", PanelConsumer),
    build_socket_path(r"^(?:circletime/)?api/panel/rooms/(?P<room>[^/]+)/ws/?$", PanelRoomConsumer),
    build_socket_path(r"", UnknownPathConsumer),
]
