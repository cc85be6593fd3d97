"""WebSockets are served from here, by the live process. REST is not: `backend.wsgi`."""

import os
from collections.abc import Awaitable, Callable
from typing import Any

import django

from backend import checks

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
django.setup()
checks.refuse_unsafe_settings()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from api.urls import websockets  # noqa: E402

Send = Callable[[dict[str, Any]], Awaitable[None]]


async def health(scope: dict[str, Any], receive: Any, send: Send) -> None:
    """Whoever asks over HTTP learns that this process is there, and nothing else."""
    status = 200 if scope["path"] == "/health/" else 404
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


application = ProtocolTypeRouter({"http": health, "websocket": URLRouter(websockets)})
