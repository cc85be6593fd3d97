"""Our own paths, and those of the floor."""

from django.urls import include, path

from bench import floor

urlpatterns = [
    path("floor/bookings/", floor.Insert.as_view()),
    path("floor/nothing/", floor.Nothing.as_view()),
    path("", include("backend.urls")),
]
