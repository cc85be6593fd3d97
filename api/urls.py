"""Every REST path: our own API, the contracts, and what operators read."""

from django.urls import include, path

from api.views import automation, health

urlpatterns = [
    path("health/", health.Health.as_view()),
    path("health/automation/", automation.Health.as_view()),
    path("metrics", automation.prometheus),
    path("api/v1/", include("api.views.urls")),
    path("barbershop/api/", include("api.contracts.barbershop.urls")),
    path("resources/api/", include("api.contracts.resources.urls")),
    path("primetime/api/", include("api.contracts.primetime.urls")),
    path("paidrooms/api/", include("api.contracts.paidrooms.urls")),
]
