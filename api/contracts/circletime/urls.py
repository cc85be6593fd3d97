"""The paths, below /circletime/api/, in the README's order; each with and without a last slash."""

from django.urls import path
from django.urls.resolvers import URLPattern

from api.contracts import kit

from .views import accounts, analytics, base, bookings, panel, rooms


def both(route: str, view: type[kit.ContractView]) -> list[URLPattern]:
    """A redirect from one form to the other would break POST and DELETE."""
    return [path(route, view.as_view()), path(f"{route}/", view.as_view())]


urlpatterns = [
    *both("auth/login", accounts.LoginView),
    *both("auth/refresh", accounts.RefreshView),
    *both("auth/me", accounts.MeView),
    *both("rooms", rooms.RoomListView),
    *both("rooms/<str:room>", rooms.RoomView),
    *both("rooms/<str:room>/bookings", rooms.RoomBookingListView),
    *both("rooms/<str:room>/availability", rooms.SlotListView),
    *both("buildings", rooms.BuildingListView),
    *both("buildings/<str:building>/floors/<str:floor>", rooms.FloorView),
    *both("bookings", bookings.BookingListView),
    *both("bookings/<str:booking>", bookings.BookingView),
    *both("bookings/<str:booking>/checkin", panel.CheckInView),
    *both("bookings/<str:booking>/end", panel.EndView),
    *both("bookings/<str:booking>/extend", bookings.ExtendView),
    *both("panel/rooms/<str:room>/state", panel.PanelStateView),
    *both("panel/meetings/<str:booking>/checkin", panel.PanelCheckInView),
    *both("panel/meetings/<str:booking>/end", panel.PanelEndView),
    # the tablet's shorter spelling
    *both("rooms/<str:room>/state", panel.PanelStateView),
    *both("meetings/<str:booking>/checkin", panel.PanelCheckInView),
    *both("meetings/<str:booking>/end", panel.PanelEndView),
    *both("analytics/kpi", analytics.KpiView),
    *both("analytics/utilization", analytics.UtilizationView),
    *both("analytics/ghosting", analytics.GhostingView),
    *both("analytics/capacity", analytics.CapacityView),
    *both("analytics/heatmap", analytics.HeatmapView),
    *both("analytics/rooms/compare", analytics.CompareView),
    *both("analytics/trends", analytics.TrendView),
    *both("analytics/ghosting/departments", analytics.DepartmentView),
    *both("analytics/export", analytics.ExportView),
]
nowhere = base.NotFoundView.as_view()
