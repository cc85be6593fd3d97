"""`manage.py prepare` on a database that an older release made."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db.migrations.recorder import MigrationRecorder

pytestmark = pytest.mark.django_db


@pytest.fixture
def older_database() -> None:
    rows = MigrationRecorder.Migration.objects
    rows.filter(app="api").delete()
    for name in ("0001_initial", "0002_rules_version"):
        rows.create(app="api", name=name)


@pytest.mark.usefixtures("older_database")
@pytest.mark.parametrize(
    ("embedded", "way_out"),
    [(True, "move {} away"), (False, "name an empty one in DATABASE_URL")],
)
def test_a_database_of_an_older_release_is_refused_in_one_line(settings, embedded, way_out):
    settings.EMBEDDED = embedded
    with pytest.raises(CommandError) as refused:
        call_command("prepare")
    assert str(refused.value) == (
        "This database is of an older release (api.0002_rules_version) and cannot be migrated: "
        f"{way_out.format(settings.DATA_DIR)}, and start again."
    )


def test_a_database_of_a_newer_release_is_let_through():
    """Going back to the release before is one's good right: its code runs on the newer tables."""
    MigrationRecorder.Migration.objects.create(app="api", name="0999_of_tomorrow")
    call_command("prepare", verbosity=0)
