"""The settings as they are, with what looks at migrations: is old code safe beside the new tables?

The first made the tables, there was no old code; every later one is looked at.
"""

from backend.settings import *  # noqa: F403 - all of them
from backend.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "django_migration_linter"]
MIGRATION_LINTER_OPTIONS = {
    "include_apps": ["api"],
    "ignore_name": ["0001_release_two"],
    "sql_analyser": "postgresql",
    "no_cache": True,
    "warnings_as_errors": [
        "CREATE_INDEX",
        "DROP_INDEX",
        "RUNPYTHON_REVERSIBLE",
        "RUNSQL_REVERSIBLE",
    ],
}
