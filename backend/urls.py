"""The root of every path."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [path("admin/", admin.site.urls), path("", include("api.urls"))]

handler400 = "api.http.bad_request"
handler404 = "api.http.not_found"
handler500 = "api.http.server_error"
