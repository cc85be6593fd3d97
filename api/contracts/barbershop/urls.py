"""Routes, literals before ids."""

from django.urls import path

from . import views

urlpatterns = [
    path("auth/register/", views.Register.as_view()),
    path("auth/login/", views.Login.as_view()),
    path("auth/refresh/", views.Refresh.as_view()),
    path("auth/me/", views.Me.as_view()),
    path("users/", views.Users.as_view()),
    path("users/<int:pk>/", views.OneUser.as_view()),
    path("reservations/", views.Reservations.as_view()),
    path("reservations/<int:pk>/", views.OneReservation.as_view()),
    path("dashboard/stats/", views.Stats.as_view()),
    path("health/", views.Health.as_view()),
]
