"""What several admins share."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import HttpRequest
from unfold.admin import ModelAdmin

HTTPS_URLS: dict[Any, Any] = {models.URLField: {"assume_scheme": "https"}}


class ReadOnlyAdmin(ModelAdmin):
    """Rows that nobody adds, changes or deletes by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
