"""Makes the system checks known to Django."""

from django.apps import AppConfig


class BackendConfig(AppConfig):
    name = "backend"

    def ready(self) -> None:
        from backend import checks  # noqa: F401 - importing registers them
