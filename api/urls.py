"""Every REST path: our own API, the contracts, and what operators read."""

from django.urls import include, path, re_path

from api.consumers import PanelSocket
from api.contracts.circletime.sockets import PanelRoomSocket
from api.contracts.circletime.views import Nowhere as CircletimeNowhere
from api.sockets import NoSuchSocket
from api.views import health, panels

urlpatterns = [
    path("health/", health.Health.as_view()),
    path("panel/", panels.Page.as_view()),
    path("panel", panels.Page.as_view()),
    path("api/v1/", include("api.views.urls")),
    path("circletime/api/", include("api.contracts.circletime.urls")),
    re_path(r"^circletime/api/", CircletimeNowhere.as_view()),
]

# WebSockets, served by the live process
websockets = [
    re_path(r"^api/v1/panels/ws/?$", PanelSocket.as_asgi()),
    re_path(r"^(?:circletime/)?api/panel/rooms/(?P<room>[^/]+)/ws/?$", PanelRoomSocket.as_asgi()),
    re_path(r"", NoSuchSocket.as_asgi()),
]
