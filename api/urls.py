"""Every REST path: our own API, the contracts, and health."""

from typing import Any

from django.urls import include, path, re_path

from api.contracts import CONTRACTS
from api.contracts.circletime.consumers import PanelRoomSocket
from api.contracts.kit.schema import schema_urls
from api.dispatch.view import dispatch, elsewhere
from api.realtime.consumer import NoSuchSocket, RoomSocket
from api.v1.consumers import PanelSocket
from api.v1.views import automation, panels
from backend import health


def socket(route: str, door: type[RoomSocket]) -> Any:
    application: Any = door.as_asgi()
    return re_path(route, application)


urlpatterns = [
    path("api/v1/", include("api.v1.urls")),  # first, as most are asked for there
    path("health/", health.Health.as_view()),
    path("health/automation/", automation.Health.as_view()),
    path("panel/", panels.Page.as_view()),
    path("panel", panels.Page.as_view()),
    re_path(r"^api/(?P<path>.*)$", dispatch),
    *(path(f"{c.name}/api/", include(schema_urls(c))) for c in CONTRACTS.values()),
    *(path(f"{c.name}/api/", include(c.urls)) for c in CONTRACTS.values()),
    re_path(rf"^(?P<contract>{'|'.join(CONTRACTS)})/api/(?P<path>.*)$", elsewhere),
]

# WebSockets, served by the live process
websockets: list[Any] = [
    socket(r"^api/v1/panels/ws/?$", PanelSocket),
    socket(r"^(?:circletime/)?api/panel/rooms/(?P<room>[^/]+)/ws/?$", PanelRoomSocket),
    socket(r"", NoSuchSocket),
]
