"""The paths below /book/."""

from django.urls import path

from .own_bookings import OwnBookingsView, OwnBookingView
from .own_series import OwnSeriesView
from .venue_page import BookView, FindView, ReturnedView, SentView
from .waiting import WaitView

urlpatterns = [
    path("<slug:slug>/", FindView.as_view(), name="book"),
    path("<slug:slug>/new/", BookView.as_view(), name="book_new"),
    path("<slug:slug>/sent/", SentView.as_view(), name="book_sent"),
    path("<slug:slug>/returned/", ReturnedView.as_view(), name="book_returned"),
    path("<slug:slug>/bookings/", OwnBookingsView.as_view(), name="book_bookings"),
    path("<slug:slug>/bookings/<int:pk>/", OwnBookingView.as_view(), name="book_booking"),
    path("<slug:slug>/series/<int:pk>/", OwnSeriesView.as_view(), name="book_series"),
    path("<slug:slug>/wait/", WaitView.as_view(), name="book_wait"),
]
