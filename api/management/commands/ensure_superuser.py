"""Creates the first operator from the environment, once; changes nothing when there is one."""

from itertools import chain
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from api import errors
from api.models import User
from api.services.accounts import accounts, passwords
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
        try:
            email = accounts.normalize_email(email)
            draft = User(email=email, username=username, is_superuser=True)
            accounts.check_identifiers(draft)
            self.check_password(password, draft)
        except errors.Invalid as refusal:
            raise CommandError(" ".join(chain(*refusal.errors.values()))) from None
        User.objects.create_superuser(email, password, username=username)
        self.stdout.write(f"Created the admin {email}.")

    def check_password(self, password: str, draft: User) -> None:
        """Where it is only tried out, a weak one is taken; not one too long to sign in with."""
        try:
            passwords.validate_password(password, draft)
        except errors.WeakPassword as refusal:
            if not settings.EMBEDDED or len(password) > passwords.MAX_LENGTH:
                raise
            message = " ".join(refusal.errors["password"])
            self.stderr.write(f"DJANGO_SUPERUSER_PASSWORD is weak: {message}")
