"""The paths, below /circletime/api/, in the README's order; each with and without a last slash."""

from django.urls import path
from django.urls.resolvers import URLPattern

from api.contracts import kit

from . import views


def both(route: str, view: type[kit.ContractView]) -> list[URLPattern]:
    """A redirect from one form to the other would break POST and DELETE."""
    return [path(route, view.as_view()), path(f"{route}/", view.as_view())]


urlpatterns = [
    *both("auth/login", views.LoginView),
    *both("auth/refresh", views.RefreshView),
    *both("auth/me", views.MeView),
    *both("rooms", views.RoomListView),
    *both("rooms/<str:room>", views.RoomView),
    *both("rooms/<str:room>/bookings", views.RoomBookingListView),
    *both("bookings", views.BookingListView),
    *both("bookings/<str:booking>", views.BookingView),
    *both("bookings/<str:booking>/checkin", views.CheckInView),
    *both("bookings/<str:booking>/end", views.EndView),
    *both("panel/rooms/<str:room>/state", views.PanelStateView),
    *both("panel/meetings/<str:booking>/checkin", views.PanelCheckInView),
    *both("panel/meetings/<str:booking>/end", views.PanelEndView),
    *both("analytics/kpi", views.KpiView),
    *both("analytics/utilization", views.UtilizationView),
    *both("analytics/ghosting", views.GhostingView),
    *both("analytics/capacity", views.CapacityView),
]
nowhere = views.NotFoundView.as_view()
