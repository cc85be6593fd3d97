"""The paths of our own API, below /api/v1/."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from . import auth, bookings, dashboard, payments, resources, users, venues

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(urlconf="api.schema_urls"), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("auth/register/", auth.Register.as_view()),
    path("auth/login/", auth.Login.as_view()),
    path("auth/refresh/", auth.Refresh.as_view()),
    path("auth/logout/", auth.Logout.as_view()),
    path("auth/me/", auth.Me.as_view()),
    path("auth/me/export/", auth.Export.as_view()),
    path("auth/password/", auth.Password.as_view()),
    path("auth/password/reset/", auth.Reset.as_view()),
    path("auth/password/reset/confirm/", auth.ResetConfirm.as_view()),
    path("users/", users.Users.as_view()),
    path("users/<int:pk>/", users.OneUser.as_view()),
    path("venues/", venues.Venues.as_view()),
    path("venues/<slug:slug>/", venues.OneVenue.as_view()),
    path("venues/<slug:slug>/primetime/", venues.PrimetimeWindows.as_view()),
    path("venues/<slug:slug>/primetime/<int:pk>/", venues.OnePrimetimeWindow.as_view()),
    path("venues/<slug:slug>/closures/", venues.Closures.as_view()),
    path("venues/<slug:slug>/closures/<int:pk>/", venues.OneClosure.as_view()),
    path("venues/<slug:slug>/calendar/", venues.Calendar.as_view()),
    path("resources/", resources.Resources.as_view()),
    path("resources/<int:pk>/", resources.OneResource.as_view()),
    path("resources/<int:pk>/availability/", resources.ResourceAvailability.as_view()),
    path("bookings/", bookings.Bookings.as_view()),
    path("bookings/approve/", bookings.AnswerMany.as_view(approving=True)),
    path("bookings/reject/", bookings.AnswerMany.as_view(approving=False)),
    path("bookings/<int:pk>/", bookings.OneBooking.as_view()),
    path("bookings/<int:pk>/approve/", bookings.Approve.as_view()),
    path("bookings/<int:pk>/reject/", bookings.Reject.as_view()),
    path("bookings/<int:pk>/cancel/", bookings.Cancel.as_view()),
    path("bookings/<int:pk>/check-in/", bookings.CheckIn.as_view()),
    path("bookings/<int:pk>/end/", bookings.End.as_view()),
    path("bookings/<int:pk>/events/", bookings.Events.as_view()),
    path("bookings/<int:pk>/payment/", payments.BookingPayment.as_view()),
    path("bookings/<int:pk>/payment/refunds/", payments.Refunds.as_view()),
    path("webhooks/stripe/", payments.StripeWebhook.as_view()),
    path("dashboard/", dashboard.MyDashboard.as_view()),
    path("dashboard/staff/", dashboard.StaffsDashboard.as_view()),
]
