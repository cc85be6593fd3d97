"""The paths of the paid rooms, in the order of their README."""

from django.urls import path

from . import views

urlpatterns = [
    path("register/", views.RegisterView.as_view()),
    path("login/", views.LoginView.as_view()),
    path("token/refresh-cookie/", views.RefreshView.as_view()),
    path("logout/", views.LogoutView.as_view()),
    path("rooms/", views.RoomListView.as_view()),
    path("bookings/", views.CreateBookingView.as_view()),
    path("payment-intent/", views.PaymentIntentView.as_view()),
    path("bookings/all/", views.BookingListView.as_view()),
    path("bookings/<int:pk>/", views.BookingView.as_view()),
    path("stripe-webhook/", views.StripeWebhookView.as_view()),
    path("cleanup-expired-bookings", views.CleanupView.as_view()),
    path("cleanup-expired-bookings/", views.CleanupView.as_view()),
]
