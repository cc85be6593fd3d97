"""Every REST path: our own API, the contracts, and what operators read."""

from django.urls import include, path

from api.views import health

urlpatterns = [
    path("health/", health.Health.as_view()),
    path("api/v1/", include("api.views.urls")),
    path("paidrooms/api/", include("api.contracts.paidrooms.urls")),
]
