from django.db import migrations, models


def count_strictly_at_circle_time(apps, schema_editor):
    """As its contract has it; every other venue stays as it was."""
    apps.get_model("api", "Venue").objects.filter(slug="circletime").update(
        grace_from_booking=False
    )


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0006_history_by_month"),
    ]

    operations = [
        migrations.AddField(
            model_name="venue",
            name="grace_from_booking",
            field=models.BooleanField(
                db_default=True,
                default=True,
                help_text="Off: the grace of what is booked after it began counts from its start",
            ),
        ),
        migrations.RunPython(count_strictly_at_circle_time, migrations.RunPython.noop),
    ]
