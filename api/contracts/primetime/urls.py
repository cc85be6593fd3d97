"""The paths, below /primetime/api/. Literals come before ids; four dashboards are two."""

from django.urls import path

from . import views

urlpatterns = [
    path("users/register/", views.Register.as_view()),
    path("users/login/", views.Login.as_view()),
    path("users/refresh/", views.Refresh.as_view()),
    path("users/logout/", views.Logout.as_view()),
    path("users/me/", views.Me.as_view()),
    path("users/", views.Users.as_view()),
    path("users/<int:pk>/", views.OneUser.as_view()),
    path("reservations/", views.Reservations.as_view()),
    path("reservations/calendar/", views.Calendar.as_view()),
    path("reservations/admin/settings/", views.Settings.as_view()),
    path("reservations/admin/primetime/", views.Windows.as_view()),
    path("reservations/admin/primetime/<int:pk>/", views.OneWindow.as_view()),
    path("reservations/trades/", views.Trades.as_view()),
    path("reservations/trades/<int:pk>/", views.OneTrade.as_view()),
    path("reservations/dashboard/", views.MyDashboard.as_view()),
    path("reservations/dashboard/user/", views.MyDashboard.as_view()),
    path("reservations/dashboard/admin/", views.AdminDashboard.as_view()),
    path("reservations/admin/dashboard/", views.AdminDashboard.as_view()),
    path("reservations/health/", views.Health.as_view()),
    path("reservations/<int:pk>/", views.OneReservation.as_view()),
    path("reservations/<int:pk>/approve/", views.Answer.as_view()),
]
