"""The paths of the paid rooms, in the order of their README."""

from django.urls import path

from . import views

urlpatterns = [
    path("register/", views.Register.as_view()),
    path("login/", views.Login.as_view()),
    path("token/refresh-cookie/", views.RefreshCookie.as_view()),
    path("logout/", views.Logout.as_view()),
    path("rooms/", views.Rooms.as_view()),
    path("bookings/", views.Bookings.as_view()),
    path("payment-intent/", views.PaymentIntent.as_view()),
    path("bookings/all/", views.AllBookings.as_view()),
    path("bookings/<int:pk>/", views.OneBooking.as_view()),
    path("stripe-webhook/", views.StripeWebhook.as_view()),
    path("cleanup-expired-bookings", views.Cleanup.as_view()),
    path("cleanup-expired-bookings/", views.Cleanup.as_view()),
]
