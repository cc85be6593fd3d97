"""The root of every path."""

from django.contrib import admin
from django.urls import include, path

from api.admin import automation, blocks, board, booking_verbs, dashboard, login, users
from backend import health
from backend.metrics_endpoint import serve_metrics

STAFF_PAGES = (automation, blocks, board, booking_verbs, dashboard, login, users)
urlpatterns = [
    *(path("admin/", include(part.get_urls())) for part in STAFF_PAGES),
    path("admin/", admin.site.urls),
    path("metrics", serve_metrics),  # for the list of routes: its middleware answers first
    path("", include("api.urls")),
    path("health/", health.HealthView.as_view()),
    path("health/automation/", health.AutomationHealthView.as_view()),
]

handler400 = "api.rest.exceptions.bad_request"
handler404 = "api.rest.exceptions.not_found"
handler500 = "api.rest.exceptions.server_error"
