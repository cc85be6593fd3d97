"""Reads bodies: strict JSON, and forms as a JSON object would have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import TooManyFieldsSent, TooManyFilesSent
from rest_framework import parsers

from api import errors


class Malformed(errors.Refusal):
    code, detail = "malformed", "The body is not valid JSON."


class TooLarge(errors.Refusal):
    code, status, detail = "too_large", 413, "The body is too large."


class JSONParser(parsers.BaseParser):
    """Strict JSON: refuses NaN, lone surrogates and endless nesting, which Python's parser takes
    or breaks on."""

    media_type = "application/json"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        raw = stream.read(settings.MAX_BODY_BYTES + 1)
        if len(raw) > settings.MAX_BODY_BYTES:
            raise TooLarge
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise Malformed from None


class FormParser(parsers.FormParser):
    """Reads a form as an object; of a field that comes twice, the last."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().parse(*args, **kwargs).dict()
        except TooManyFieldsSent:
            raise TooLarge from None


class MultiPartParser(parsers.MultiPartParser):
    """Reads a form as `FormParser` does; files are ignored."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().parse(*args, **kwargs).data.dict()
        except (TooManyFieldsSent, TooManyFilesSent):
            raise TooLarge from None
