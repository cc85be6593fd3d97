"""The application with nothing around it: no hand-over of WebSockets, no shared figures."""

import os

from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.settings")
application = get_wsgi_application()
asynchronous = get_asgi_application()
