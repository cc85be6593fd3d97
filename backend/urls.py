"""The root of every path."""

from django.contrib import admin
from django.urls import include, path

from api.admin import automation, front
from backend import health, metrics

urlpatterns = [
    path("admin/", include([*automation.urls(), *front.urls()])),
    path("admin/", admin.site.urls),
    path("", include("api.urls")),
    path("health/", health.HealthView.as_view()),
    path("health/automation/", health.AutomationHealthView.as_view()),
    path("metrics", metrics.render_metrics),
]

handler400 = "api.rest.exceptions.bad_request"
handler404 = "api.rest.exceptions.not_found"
handler500 = "api.rest.exceptions.server_error"
