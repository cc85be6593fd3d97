"""Which writes are let in: none while a disk is nearly full, and no more at once than the web
server has threads for."""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from api import errors
from backend import disk_space

ADMITTED = "holdfast.admitted"  # in the environ: whether the web server had a thread for a write


def is_write(request: HttpRequest | Request) -> bool:
    return request.method not in SAFE_METHODS


def check_admission(request: HttpRequest | Request) -> None:
    """Refuses a write with `StorageFull` or `Busy`, before anything else is asked of it."""
    if not is_write(request):
        return
    if disk_space.is_nearly_full():
        raise errors.StorageFull
    if not request.META.get(ADMITTED, True):
        raise errors.Busy
