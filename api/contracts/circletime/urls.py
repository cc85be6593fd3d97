"""The paths of Circle Time, in the order of its README; each with and without a last slash."""

from django.urls import path
from django.urls.resolvers import URLPattern

from api.rest.base_view import BaseAPIView

from . import views


def both(route: str, view: type[BaseAPIView]) -> list[URLPattern]:
    """A redirect from one form to the other would break POST and DELETE."""
    return [path(route, view.as_view()), path(f"{route}/", view.as_view())]


urlpatterns = [
    *both("auth/login", views.Login),
    *both("auth/refresh", views.Refresh),
    *both("auth/me", views.Me),
    *both("rooms", views.Rooms),
    *both("rooms/<str:room>", views.OneRoom),
    *both("rooms/<str:room>/bookings", views.RoomBookings),
    *both("bookings", views.Bookings),
    *both("bookings/<str:booking>", views.OneBooking),
    *both("bookings/<str:booking>/checkin", views.CheckIn),
    *both("bookings/<str:booking>/end", views.End),
    *both("panel/rooms/<str:room>/state", views.PanelState),
    *both("panel/meetings/<str:booking>/checkin", views.PanelCheckIn),
    *both("panel/meetings/<str:booking>/end", views.PanelEnd),
    *both("analytics/kpi", views.Kpi),
    *both("analytics/utilization", views.Utilization),
    *both("analytics/ghosting", views.Ghosting),
    *both("analytics/capacity", views.Capacity),
]
nowhere = views.Nowhere.as_view()
