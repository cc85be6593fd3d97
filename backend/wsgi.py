"""REST is served from here: gunicorn backend.wsgi:application."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from backend.handover import HandOver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")

application = HandOver(get_wsgi_application(), settings.LIVE_SOCKET)
