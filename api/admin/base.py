"""What several admins share."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from .form_fields import DurationField, DurationWidget

HTTPS_URLS: dict[Any, Any] = {models.URLField: {"assume_scheme": "https"}}

DURATIONS: dict[Any, Any] = {
    models.DurationField: {"form_class": DurationField, "widget": DurationWidget}
}


class EditableAdmin(ModelAdmin):
    """Rows that are added and changed here."""

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Nothing: Django would take first values from the address, and fails on what fits no
        field. No page here links with any."""
        return {}


class ReadOnlyAdmin(ModelAdmin):
    """Rows that nobody adds, changes or deletes by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
