from pathlib import Path

import datetime
import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

SQL = Path(__file__).with_name("sql")


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0001_release_two"),
    ]

    operations = [
        migrations.CreateModel(
            name="Allocation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "unit",
                    models.BigIntegerField(default=1, help_text="1 to the units of the resource"),
                ),
                (
                    "span",
                    django.contrib.postgres.fields.ranges.DateTimeRangeField(
                        help_text="With the buffers; the end belongs to the next"
                    ),
                ),
                ("blocking", models.BooleanField(help_text="Whether it keeps others out")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("booking", "The booking's first resource"),
                            ("part", "Another resource of the booking"),
                            ("block", "Kept from being booked"),
                        ],
                        default="booking",
                        max_length=7,
                    ),
                ),
            ],
            options={
                "ordering": ["resource", "unit"],
            },
        ),
        migrations.CreateModel(
            name="Block",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("reason", models.CharField(blank=True, max_length=200)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="booking",
            name="booking_never_two",
        ),
        migrations.AddField(
            model_name="booking",
            name="quantity",
            field=models.PositiveIntegerField(
                db_default=1, default=1, help_text="Units of each resource"
            ),
        ),
        migrations.AddField(
            model_name="booking",
            name="several",
            field=models.BooleanField(
                db_default=False, default=False, help_text="Whether it takes other resources too"
            ),
        ),
        migrations.AddField(
            model_name="resource",
            name="buffer_after",
            field=models.DurationField(
                db_default=datetime.timedelta(0),
                default=datetime.timedelta(0),
                help_text="Kept free after a booking",
            ),
        ),
        migrations.AddField(
            model_name="resource",
            name="buffer_before",
            field=models.DurationField(
                db_default=datetime.timedelta(0),
                default=datetime.timedelta(0),
                help_text="Kept free before a booking",
            ),
        ),
        migrations.AddField(
            model_name="resource",
            name="crowded_until",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Until then more units are booked than are",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="resource",
            name="units",
            field=models.PositiveIntegerField(
                db_default=1, default=1, help_text="Identical places: seats, bikes, lockers"
            ),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gte", 1)), name="booking_quantity"
            ),
        ),
        migrations.AddConstraint(
            model_name="resource",
            constraint=models.CheckConstraint(
                condition=models.Q(("units__gte", 1)), name="resource_units"
            ),
        ),
        migrations.AddConstraint(
            model_name="resource",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("buffer_after__gte", datetime.timedelta(0)),
                    ("buffer_before__gte", datetime.timedelta(0)),
                ),
                name="resource_buffers",
            ),
        ),
        migrations.AddField(
            model_name="allocation",
            name="booking",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="allocations",
                to="api.booking",
            ),
        ),
        migrations.AddField(
            model_name="allocation",
            name="resource",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="allocations",
                to="api.resource",
            ),
        ),
        migrations.AddField(
            model_name="block",
            name="created_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="block",
            name="resource",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="blocks",
                to="api.resource",
            ),
        ),
        migrations.AddField(
            model_name="allocation",
            name="block",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="allocations",
                to="api.block",
            ),
        ),
        migrations.AddConstraint(
            model_name="block",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                name="block_ends_after_start",
            ),
        ),
        migrations.AddIndex(
            model_name="allocation",
            index=models.Index(models.F("booking"), name="allocation_by_booking"),
        ),
        migrations.AddIndex(
            model_name="allocation",
            index=models.Index(
                models.F("resource"), condition=models.Q(("kind", "part")), name="allocation_parts"
            ),
        ),
        migrations.AddIndex(
            model_name="allocation",
            index=models.Index(
                models.F("block"), condition=models.Q(("kind", "block")), name="allocation_by_block"
            ),
        ),
        migrations.AddIndex(
            model_name="allocation",
            index=models.Index(
                models.F("resource"),
                condition=models.Q(("blocking", False), ("kind", "block")),
                name="allocation_waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="allocation",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                condition=models.Q(("blocking", True)),
                expressions=[("resource", "="), ("span", "&&"), ("unit", "=")],
                name="allocation_never_two",
            ),
        ),
        migrations.AddConstraint(
            model_name="allocation",
            constraint=models.CheckConstraint(
                condition=models.Q(("span__isempty", False)), name="allocation_has_length"
            ),
        ),
        migrations.AddConstraint(
            model_name="allocation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("block__isnull", False), ("booking__isnull", True), ("kind", "block")
                    ),
                    models.Q(
                        models.Q(("kind", "block"), _negated=True),
                        ("block__isnull", True),
                        ("booking__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="allocation_of_one_thing",
            ),
        ),
        migrations.AddConstraint(
            model_name="allocation",
            constraint=models.CheckConstraint(
                condition=models.Q(("unit__gte", 1)), name="allocation_unit_from_one"
            ),
        ),
        migrations.AddConstraint(
            model_name="allocation",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["booking", "part", "block"])),
                name="allocation_kind_is_known",
            ),
        ),
        migrations.RunSQL((SQL / "allocations.sql").read_text()),
    ]
