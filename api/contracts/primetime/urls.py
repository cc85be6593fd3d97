"""The paths, below /primetime/api/. Literals come before ids; four dashboards are two."""

from django.urls import path

from . import admin_views, views

urlpatterns = [
    path("users/register/", views.RegisterView.as_view()),
    path("users/login/", views.LoginView.as_view()),
    path("users/refresh/", views.RefreshView.as_view()),
    path("users/logout/", views.LogoutView.as_view()),
    path("users/me/", views.MeView.as_view()),
    path("users/", admin_views.UserCountsView.as_view()),
    path("users/<int:pk>/", views.UserView.as_view()),
    path("reservations/", views.ReservationListView.as_view()),
    path("reservations/calendar/", views.CalendarView.as_view()),
    path("reservations/admin/settings/", admin_views.SettingsView.as_view()),
    path("reservations/admin/primetime/", admin_views.WindowListView.as_view()),
    path("reservations/admin/primetime/<int:pk>/", admin_views.WindowView.as_view()),
    path("reservations/trades/", views.TradeListView.as_view()),
    path("reservations/trades/<int:pk>/", views.TradeView.as_view()),
    path("reservations/dashboard/", views.DashboardView.as_view()),
    path("reservations/dashboard/user/", views.DashboardView.as_view()),
    path("reservations/dashboard/admin/", admin_views.AdminDashboardView.as_view()),
    path("reservations/admin/dashboard/", admin_views.AdminDashboardView.as_view()),
    path("reservations/health/", views.HealthView.as_view()),
    path("reservations/<int:pk>/", views.ReservationView.as_view()),
    path("reservations/<int:pk>/approve/", admin_views.ApprovalView.as_view()),
]
