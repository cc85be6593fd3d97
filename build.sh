#!/usr/bin/env bash
# What a host that builds from the repository runs before it starts the web process.
set -o errexit
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

pip install -r requirements.txt
python manage.py collectstatic --no-input
python manage.py migrate

# the first admin; without its variables it can be made later by the same command
if [ -n "${DJANGO_SUPERUSER_EMAIL:-}" ]; then
    python manage.py ensure_superuser
fi
python manage.py create_user_profiles
