"""django-structlog's middleware, which puts a request's id on every log line, in this process and
in the workers. What it lacks: it would log any id a client sends, and answers without one.
"""

import os
import re
from typing import Any

from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares import RequestMiddleware as StructlogMiddleware

HEADER = "X-Request-ID"
VALID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,64}")  # nothing that could break a log line


def get_request_id(request: Any) -> str:
    """The id that its log lines have; empty where no middleware gave one."""
    return str(request.META.get("HTTP_X_REQUEST_ID", ""))


class RequestMiddleware(StructlogMiddleware):
    def prepare(self, request: HttpRequest) -> None:
        if not VALID.fullmatch(request.META.get("HTTP_X_REQUEST_ID", "")):
            request.META["HTTP_X_REQUEST_ID"] = os.urandom(16).hex()
        super().prepare(request)

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        response[HEADER] = request.META["HTTP_X_REQUEST_ID"]
        super().handle_response(request, response)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Without the query, which may hold what is nobody's business."""
        return f"{request.method} {request.path}"

    def process_got_request_exception(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: Django logs the exception, with the same id."""
