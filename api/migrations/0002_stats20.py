"""Sums of bookings count units and every resource of a booking; all are counted anew."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).with_name("sql")


class Migration(migrations.Migration):
    dependencies = [("api", "0001_release_two")]

    operations = [
        migrations.RunSQL("DELETE FROM api_dayrollup; DELETE FROM api_monthrollup"),
        migrations.RemoveIndex(model_name="allocation", name="allocation_parts"),
        migrations.AddIndex(
            model_name="allocation",
            index=models.Index(
                models.F("resource"),
                models.F("span__startswith"),
                condition=models.Q(("kind", "part")),
                name="allocation_parts",
            ),
        ),
        migrations.AddField(
            model_name="dayrollup",
            name="units",
            field=models.BigIntegerField(default=0),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="monthrollup",
            name="units",
            field=models.BigIntegerField(default=0),
            preserve_default=False,
        ),
        migrations.RunSQL((SQL / "rollup_marks.sql").read_text()),
    ]
