"""Routes, literals before ids. Of djoser's routes those that this frontend uses."""

from typing import Any

from django.urls import path, re_path

from . import views

accounts: Any = views.AccountViewSet.as_view

urlpatterns = [
    path("", views.RootView.as_view()),
    path("auth/users/", accounts({"get": "list", "post": "create"})),
    path("auth/users/me/", views.MeView.as_view()),
    path("auth/users/set_password/", accounts({"post": "set_password"})),
    path("auth/users/reset_password/", accounts({"post": "reset_password"})),
    path("auth/users/reset_password_confirm/", accounts({"post": "reset_password_confirm"})),
    path("auth/users/<int:id>/", accounts({"get": "retrieve"})),
    # djoser has these two with and without the slash
    re_path("^auth/token/login/?$", views.LoginView.as_view()),
    re_path("^auth/token/logout/?$", views.LogoutView.as_view()),
    path("resources/", views.ResourceListView.as_view()),
    path("resources/<int:pk>/", views.ResourceView.as_view()),
    path("bookings/", views.BookingListView.as_view()),
    path("bookings/<int:pk>/", views.BookingView.as_view()),
    path("profile/picture/", views.PictureView.as_view()),
    path("profile/picture/delete/", views.PictureDeleteView.as_view()),
]
