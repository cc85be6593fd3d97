"""Every path of the APIs: our own, the contracts', and the panels' page."""

from typing import Any

from django.urls import include, path, re_path

from api import documents
from api.contracts import CONTRACTS
from api.contracts.circletime.consumers import PanelRoomSocket
from api.dispatch.view import dispatch, elsewhere
from api.realtime.consumer import NoSuchSocket, RoomSocket
from api.v1.consumers import PanelSocket
from api.v1.views import panels


def socket(route: str, door: type[RoomSocket]) -> Any:
    application: Any = door.as_asgi()
    return re_path(route, application)


urlpatterns = [
    path("api/v1/", include("api.v1.urls")),  # first, as most are asked for there
    path("panel/", panels.PanelPageView.as_view()),
    path("panel", panels.PanelPageView.as_view()),
    re_path(r"^api/(?P<path>.*)$", dispatch),
    *(path(f"{c.name}/api/", include(documents.urls(c))) for c in CONTRACTS.values()),
    path("barbershop/api/", include("api.contracts.barbershop.urls")),
    path("resources/api/", include("api.contracts.resources.urls")),
    path("primetime/api/", include("api.contracts.primetime.urls")),
    path("paidrooms/api/", include("api.contracts.paidrooms.urls")),
    path("circletime/api/", include("api.contracts.circletime.urls")),
    re_path(rf"^(?P<contract>{'|'.join(CONTRACTS)})/api/(?P<path>.*)$", elsewhere),
]

# WebSockets, served by the live process
websockets: list[Any] = [
    socket(r"^api/v1/panels/ws/?$", PanelSocket),
    socket(r"^(?:circletime/)?api/panel/rooms/(?P<room>[^/]+)/ws/?$", PanelRoomSocket),
    socket(r"", NoSuchSocket),
]
