"""REST and WebSockets, as `backend.web` serves them on one port."""

from __future__ import annotations

from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings

from api.services.conflicts import is_contended
from backend import tracing
from backend.wsgi import application as rest  # sets Django up, before anything else of ours
from backend.wsgi_threads import Receive, Send, WSGIThreads


async def lifespan(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Runs as long as the process serves, and tidies up after the last request."""
    from api.realtime.connections import get_registry

    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await get_registry().close()
    tracing.stop()
    await send({"type": "lifespan.shutdown.complete"})


def _build_websockets() -> URLRouter:
    from api.urls import websockets

    return URLRouter(websockets)


application = ProtocolTypeRouter(
    {
        # in threads: Django's own ASGI handler answers far fewer requests
        "http": WSGIThreads(
            rest,
            threads=settings.WEB_THREADS,
            timeout=settings.REQUEST_READ_TIMEOUT,
            max_body=settings.MAX_BODY_BYTES,
            is_contended=is_contended,
        ),
        "websocket": _build_websockets(),
        "lifespan": lifespan,
    }
)
