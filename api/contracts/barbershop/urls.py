"""Routes, literals before ids."""

from django.urls import path

from . import views

urlpatterns = [
    path("auth/register/", views.RegisterView.as_view()),
    path("auth/login/", views.LoginView.as_view()),
    path("auth/refresh/", views.RefreshView.as_view()),
    path("auth/me/", views.MeView.as_view()),
    path("users/", views.AccountListView.as_view()),
    path("users/<int:pk>/", views.AccountView.as_view()),
    path("reservations/", views.ReservationListView.as_view()),
    path("reservations/<int:pk>/", views.ReservationView.as_view()),
    path("dashboard/stats/", views.StatsView.as_view()),
    path("health/", views.HealthView.as_view()),
]
