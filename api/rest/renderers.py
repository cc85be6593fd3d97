"""Writes bodies as JSON, and leaves `?format=` to views that answer files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


def encode(data: Any, options: int = 0) -> bytes:
    """JSON, with more `options` of orjson."""
    return orjson.dumps(data, _convert, orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS | options)


def _convert(value: Any) -> Any:
    """What JSON has no type for."""
    if isinstance(value, timedelta):
        return format_duration(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)


def format_duration(value: timedelta) -> str:
    """`HH:MM:SS`, also for more than 24 hours and for less than none."""
    seconds = abs(int(value.total_seconds()))
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"-{text}" if value < timedelta(0) else text


class JSONRenderer(BaseRenderer):
    """Instants in UTC with `Z`, durations `HH:MM:SS`."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        return encode(data)


class IgnoreFormatNegotiation(BaseContentNegotiation):
    """Leaves `?format=` to the view: here it chooses a file, not one of DRF's renderers."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return next(iter(parsers), None)

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type
