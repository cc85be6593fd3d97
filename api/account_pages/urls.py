"""The paths below /account/. Of django-allauth's those that we use, under its names."""

from allauth.account import views as account
from django.urls import include, path

from . import views

urlpatterns = [
    path("", views.home, name="account_home"),
    path("continue/", views.continue_to_frontend, name="account_continue"),
    path("sessions/<int:pk>/end/", views.end_session, name="account_end_session"),
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("2fa/", include("allauth.mfa.urls")),
    path("", include("allauth.socialaccount.providers.openid_connect.urls")),
]
