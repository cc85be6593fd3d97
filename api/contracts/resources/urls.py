"""Routes, literals before ids. Of djoser's routes those that this frontend uses."""

from typing import Any

from django.urls import path, re_path

from . import views

people: Any = views.People.as_view
me = {"get": "me", "put": "me", "patch": "me", "delete": "me"}

urlpatterns = [
    path("", views.Root.as_view()),
    path("auth/users/", people({"get": "list", "post": "create"})),
    path("auth/users/me/", people(me)),
    path("auth/users/set_password/", people({"post": "set_password"})),
    path("auth/users/reset_password/", people({"post": "reset_password"})),
    path(
        "auth/users/reset_password_confirm/",
        people({"post": "reset_password_confirm"}),
    ),
    path("auth/users/<int:id>/", people({"get": "retrieve"})),
    # djoser has these two with and without the slash
    re_path("^auth/token/login/?$", views.SignIn.as_view()),
    re_path("^auth/token/logout/?$", views.SignOut.as_view()),
    path("resources/", views.Resources.as_view()),
    path("resources/<int:pk>/", views.OneResource.as_view()),
    path("bookings/", views.Bookings.as_view()),
    path("bookings/<int:pk>/", views.OneBooking.as_view()),
    path("profile/picture/", views.Picture.as_view()),
    path("profile/picture/delete/", views.PictureGone.as_view()),
]
