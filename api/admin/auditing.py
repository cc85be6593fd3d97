"""The audit log of the staff site: every write, and every page that shows somebody's data."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django.http import HttpRequest
from django.http.response import HttpResponse, HttpResponseBase

from api.models import User
from api.rest.admission import is_write
from api.rest.auditing import get_actor, record_look, shows_people
from api.services.audit.recording import Recorder
from backend.request_ids import get_request_id

Respond = Callable[[HttpRequest], HttpResponseBase]


def record_admin(get_response: Respond) -> Respond:
    """Middleware. Nobody signs in by a session anywhere else."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        actor = get_actor(request) if request.path.startswith("/admin/") else None
        if actor is None:
            return get_response(request)
        if is_write(request):
            recorder = Recorder(actor, get_request_id(request))
            recorder.start()
            try:
                return get_response(request)
            finally:
                recorder.stop()
        response = get_response(request)
        if isinstance(response, HttpResponse) and response.status_code == 200:
            own_address = cast(User, request.user).email
            if shows_people(response.content.decode(errors="replace"), own_address):
                record_look(request, actor, "read")
        return response

    return respond
