"""Django's settings, by theme; safe by default. What the environment says is in `base.env`."""

from .base import *
from .celery import *
from .emails import *
from .logs import *
from .payments import *
from .rest import *
from .security import *
from .sign_in import *
from .stores import *
