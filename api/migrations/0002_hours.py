"""Hours are rows: weeks, and exceptions, which closures become."""

import datetime
from pathlib import Path

import django.contrib.postgres.constraints
import django.db.models.deletion
import django.db.models.functions.comparison
from django.db import migrations, models


SQL = Path(__file__).with_name("sql")


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0001_release_two"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="closure", name="closure_ends_after_start"),
        migrations.RenameModel("Closure", "HoursException"),
        migrations.AlterModelOptions(
            name="hoursexception",
            options={"verbose_name": "exception", "ordering": ["venue", "first_on"]},
        ),
        migrations.AddField(
            model_name="hoursexception",
            name="hours",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.CreateModel(
            name="Hours",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "valid_from",
                    models.DateField(
                        blank=True,
                        help_text="The first date of this week; empty: always",
                        null=True,
                    ),
                ),
                (
                    "weekday",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        choices=[
                            (0, "Monday"),
                            (1, "Tuesday"),
                            (2, "Wednesday"),
                            (3, "Thursday"),
                            (4, "Friday"),
                            (5, "Saturday"),
                            (6, "Sunday"),
                        ],
                        help_text="None: no hours at all from that date on",
                        null=True,
                    ),
                ),
                ("opens_at", models.TimeField(blank=True, null=True)),
                (
                    "closes_at",
                    models.TimeField(blank=True, help_text="00:00 is midnight", null=True),
                ),
            ],
            options={
                "verbose_name_plural": "hours",
                "ordering": [
                    "venue",
                    "resource",
                    models.OrderBy(models.F("valid_from"), nulls_first=True),
                    "weekday",
                    "opens_at",
                ],
            },
        ),
        migrations.AddField(
            model_name="venue",
            name="holidays",
            field=models.CharField(
                blank=True,
                help_text="Country or part of it (DE-BY, US-CA) on whose public holidays it is closed",
                max_length=10,
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="resource",
            name="opens_at",
            field=models.TimeField(
                blank=True,
                help_text="Own hours on the days on which the venue is open; others are in `Hours`",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="venue",
            name="closes_at",
            field=models.TimeField(blank=True, default=datetime.time(0, 0), null=True),
        ),
        migrations.AlterField(
            model_name="venue",
            name="opens_at",
            field=models.TimeField(blank=True, default=datetime.time(0, 0), null=True),
        ),
        migrations.AlterField(
            model_name="venue",
            name="rules_version",
            field=models.BigIntegerField(
                default=0,
                editable=False,
                help_text="New by trigger whenever the venue, its windows, hours or resources change",
            ),
        ),
        migrations.AddConstraint(
            model_name="venue",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closes_at__isnull", True), ("opens_at__isnull", True)),
                    models.Q(("closes_at__isnull", False), ("opens_at__isnull", False)),
                    _connector="OR",
                ),
                name="venue_hours_are_a_pair",
            ),
        ),
        migrations.AddField(
            model_name="hours",
            name="resource",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="own_hours",
                to="api.resource",
            ),
        ),
        migrations.AddField(
            model_name="hours",
            name="venue",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="hours", to="api.venue"
            ),
        ),
        migrations.AddField(
            model_name="hoursexception",
            name="resource",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="own_exceptions",
                to="api.resource",
            ),
        ),
        migrations.AlterField(
            model_name="hoursexception",
            name="venue",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="exceptions",
                to="api.venue",
            ),
        ),
        migrations.AddConstraint(
            model_name="hours",
            constraint=models.UniqueConstraint(
                fields=("venue", "resource", "valid_from", "weekday", "opens_at"),
                name="hours_once",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="hours",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("closes_at__isnull", True),
                        ("opens_at__isnull", True),
                        ("weekday__isnull", True),
                    ),
                    models.Q(
                        ("closes_at__isnull", False),
                        ("opens_at__isnull", False),
                        ("weekday__lte", 6),
                    ),
                    _connector="OR",
                ),
                name="hours_are_whole",
                violation_error_message="Give weekday, opening and closing, or none of them.",
            ),
        ),
        migrations.AddConstraint(
            model_name="hours",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("opens_at", models.F("closes_at")), _negated=True),
                    ("opens_at", datetime.time(0, 0)),
                    _connector="OR",
                ),
                name="hours_take_time",
                violation_error_message="Opens and closes at the same time; the whole day is 00:00 to 00:00.",
            ),
        ),
        migrations.AddConstraint(
            model_name="hoursexception",
            constraint=models.CheckConstraint(
                condition=models.Q(("last_on__gte", models.F("first_on"))),
                name="exception_ends_after_start",
                violation_error_message="It must not end before the first day.",
            ),
        ),
        migrations.AddConstraint(
            model_name="hoursexception",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[
                    ("venue", "="),
                    (
                        django.db.models.functions.comparison.Coalesce(
                            "resource", models.Value(0, models.BigIntegerField())
                        ),
                        "=",
                    ),
                    (
                        models.Func(
                            models.F("first_on"),
                            models.F("last_on"),
                            models.Value("[]"),
                            function="daterange",
                        ),
                        "&&",
                    ),
                ],
                name="exception_one_a_date",
                violation_error_message="There is an exception on one of these dates.",
            ),
        ),
        migrations.CreateModel(
            name="Closure",
            fields=[],
            options={
                "verbose_name": "closure",
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("api.hoursexception",),
        ),
        migrations.RunSQL((SQL / "hours_version.sql").read_text()),
    ]
