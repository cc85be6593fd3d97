"""Creates the first admin from the environment, once; changes nothing when there is one."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from api.models import User
from backend.environment import read_environment


class Command(BaseCommand):
    help = "Creates the admin of DJANGO_SUPERUSER_EMAIL and DJANGO_SUPERUSER_PASSWORD, if none is."

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.filter(is_superuser=True).exists():
            self.stdout.write("There is an admin already.")
            return
        env = read_environment()
        email, password = env.DJANGO_SUPERUSER_EMAIL, env.DJANGO_SUPERUSER_PASSWORD
        if not email or not password:
            raise CommandError("Set DJANGO_SUPERUSER_EMAIL and DJANGO_SUPERUSER_PASSWORD.")
        username = env.DJANGO_SUPERUSER_USERNAME or None
        User.objects.create_superuser(email, password, username=username)
        self.stdout.write(f"Created the admin {email}.")
