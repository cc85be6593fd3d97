"""Reads bodies: strict JSON, and forms as a JSON object would have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import TooManyFieldsSent, TooManyFilesSent
from rest_framework.parsers import BaseParser, FormParser, MultiPartParser

from api import errors


class Malformed(errors.Refusal):
    code, detail = "malformed", "The body is not valid JSON."


class TooLarge(errors.Refusal):
    code, status, detail = "too_large", 413, "The body is too large."


class JSONParser(BaseParser):
    """Strict JSON: no NaN, no lone surrogates, no bottomless nesting."""

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


class Form(FormParser):
    """A form's fields as a JSON object has them: of a name that comes twice, the last."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().parse(*args, **kwargs).dict()
        except TooManyFieldsSent:
            raise TooLarge from None


class MultiPart(MultiPartParser):
    """As `Form`; files are overlooked."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().parse(*args, **kwargs).data.dict()
        except (TooManyFieldsSent, TooManyFilesSent):
            raise TooLarge from None
