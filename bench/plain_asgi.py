"""The same for servers that speak ASGI. Connections are not kept there, as Django's documentation
asks: each request would leave its own behind, until the database takes no more."""

import os

from django.core.asgi import get_asgi_application
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.settings")
application = get_asgi_application()
connections.settings["default"]["CONN_MAX_AGE"] = 0
