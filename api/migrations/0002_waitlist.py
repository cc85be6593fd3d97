"""The waitlist, and what is on offer to who waits."""

import datetime
import re
from pathlib import Path

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.comparison
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import api.models.bookings

SQL = Path(__file__).parent / "sql"


def read_functions(name: str, *functions: str) -> str:
    """Those functions of a file that ran before, to be run again as they are now."""
    found = re.split(r"(?=^CREATE )", (SQL / name).read_text(), flags=re.MULTILINE)
    wanted = [
        part for part in found if part.startswith(tuple(f"CREATE FUNCTION {f}(" for f in functions))
    ]
    return "".join(part.replace("CREATE", "CREATE OR REPLACE", 1) for part in wanted)


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0002_quotas"),
        ("api", "0002_stats20"),
    ]

    operations = [
        migrations.CreateModel(
            name="FreedTime",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("span", django.contrib.postgres.fields.ranges.DateTimeRangeField()),
                (
                    "since",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="Since when it has stood empty",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="WaitlistEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("from_at", models.DateTimeField(help_text="The earliest start")),
                ("until_at", models.DateTimeField(help_text="The latest end")),
                ("duration", models.DurationField()),
                ("quantity", models.PositiveIntegerField(db_default=1, default=1)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("offered", "Offered"),
                            ("taken", "Taken"),
                            ("declined", "Declined"),
                            ("lapsed", "Lapsed"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("lapses_at", models.DateTimeField(editable=False)),
                (
                    "freed_at",
                    models.DateTimeField(
                        editable=False,
                        help_text="Since when the offered time stood empty",
                        null=True,
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "verbose_name": "waitlist entry",
                "verbose_name_plural": "waitlist",
                "ordering": ["-id"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="booking",
            name="booking_status_is_known",
        ),
        migrations.RemoveConstraint(
            model_name="venue",
            name="venue_durations_are_sane",
        ),
        migrations.AddField(
            model_name="booking",
            name="offer_expires_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="venue",
            name="offer_length",
            field=models.DurationField(
                db_default=datetime.timedelta(seconds=3600),
                default=datetime.timedelta(seconds=3600),
                help_text="How long whoever waited has to answer an offer",
            ),
        ),
        migrations.AddField(
            model_name="venue",
            name="offer_min_lead",
            field=models.DurationField(
                db_default=datetime.timedelta(0),
                default=datetime.timedelta(0),
                help_text="What is freed later than this before it begins is offered to nobody",
            ),
        ),
        migrations.AddField(
            model_name="venue",
            name="waitlist_members_first",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AlterField(
            model_name="booking",
            name="status",
            field=models.CharField(
                choices=[
                    ("offered", "Offered to who waited"),
                    ("held", "Held, awaiting payment"),
                    ("pending", "Awaiting approval"),
                    ("confirmed", "Confirmed"),
                    ("checked_in", "Checked in"),
                    ("completed", "Completed"),
                    ("cancelled", "Cancelled"),
                    ("rejected", "Rejected"),
                    ("expired", "Expired"),
                    ("no_show", "No show"),
                ],
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(
                models.F("offer_expires_at"),
                condition=models.Q(("status__in", ("offered",))),
                name="booking_lapse_offer",
            ),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        [
                            "offered",
                            "held",
                            "pending",
                            "confirmed",
                            "checked_in",
                            "completed",
                            "cancelled",
                            "rejected",
                            "expired",
                            "no_show",
                        ],
                    )
                ),
                name="booking_status_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "offered"), _negated=True),
                    ("offer_expires_at__isnull", False),
                    _connector="OR",
                ),
                name="booking_offered_has_offer_expires_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="venue",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("slot_length__gte", datetime.timedelta(seconds=60)),
                    ("slot_step__gte", datetime.timedelta(seconds=60)),
                    ("hold_length__gt", datetime.timedelta(0)),
                    ("guest_hold__gt", datetime.timedelta(0)),
                    ("offer_length__gte", datetime.timedelta(seconds=1)),
                    ("offer_min_lead__gte", datetime.timedelta(0)),
                    ("no_show_grace__gte", datetime.timedelta(0)),
                    ("completion_after__gte", datetime.timedelta(0)),
                    ("check_in_opens_before__gte", datetime.timedelta(0)),
                    ("check_in_closes_after__gte", datetime.timedelta(0)),
                    ("refund_until__gte", datetime.timedelta(0)),
                ),
                name="venue_durations_are_sane",
            ),
        ),
        migrations.AddField(
            model_name="freedtime",
            name="resource",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="api.resource",
            ),
        ),
        migrations.AddField(
            model_name="waitlistentry",
            name="booking",
            field=models.OneToOneField(
                editable=False,
                help_text="What was offered",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="waitlist_entry",
                to="api.booking",
            ),
        ),
        migrations.AddField(
            model_name="waitlistentry",
            name="owner",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="waitlist",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="waitlistentry",
            name="pool",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="waitlist",
                to="api.pool",
            ),
        ),
        migrations.AddField(
            model_name="waitlistentry",
            name="resource",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="waitlist",
                to="api.resource",
            ),
        ),
        migrations.AddField(
            model_name="waitlistentry",
            name="service",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="waitlist",
                to="api.service",
            ),
        ),
        migrations.AddField(
            model_name="waitlistentry",
            name="venue",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="waitlist",
                to="api.venue",
            ),
        ),
        migrations.AddIndex(
            model_name="waitlistentry",
            index=models.Index(models.F("updated_at"), name="waitlist_by_change"),
        ),
        migrations.AddIndex(
            model_name="waitlistentry",
            index=models.Index(models.F("venue"), models.F("id"), name="waitlist_by_venue"),
        ),
        migrations.AddIndex(
            model_name="waitlistentry",
            index=models.Index(models.F("owner"), models.F("id"), name="waitlist_by_owner"),
        ),
        migrations.AddIndex(
            model_name="waitlistentry",
            index=models.Index(
                models.F("venue"),
                condition=models.Q(("status", "waiting")),
                name="waitlist_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="waitlistentry",
            index=models.Index(
                models.F("lapses_at"),
                condition=models.Q(("status__in", ("waiting", "offered"))),
                name="waitlist_lapse",
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("pool", None), ("resource__isnull", False), ("service", None)),
                    models.Q(("pool__isnull", False), ("resource", None), ("service", None)),
                    models.Q(("pool", None), ("resource", None), ("service__isnull", False)),
                    _connector="OR",
                ),
                name="waitlist_for_one_thing",
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        ["waiting", "offered", "taken", "declined", "lapsed", "withdrawn"],
                    )
                ),
                name="waitlist_status_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("duration__gt", datetime.timedelta(0)),
                    ("quantity__gte", 1),
                    (
                        "until_at__gte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("from_at"), "+", models.F("duration")
                        ),
                    ),
                ),
                name="waitlist_window_has_room",
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "offered"), _negated=True),
                    ("booking__isnull", False),
                    _connector="OR",
                ),
                name="waitlist_offered_has_booking",
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistentry",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                condition=models.Q(("status__in", ("waiting", "offered"))),
                expressions=[
                    ("owner", "="),
                    (
                        django.db.models.functions.comparison.Coalesce("resource", models.Value(0)),
                        "=",
                    ),
                    (django.db.models.functions.comparison.Coalesce("pool", models.Value(0)), "="),
                    (
                        django.db.models.functions.comparison.Coalesce("service", models.Value(0)),
                        "=",
                    ),
                    (api.models.bookings.Span("from_at", "until_at"), "&&"),
                ],
                name="waitlist_once_in_line",
            ),
        ),
        migrations.RunSQL((SQL / "waitlist.sql").read_text(), migrations.RunSQL.noop),
        migrations.RunSQL(
            read_functions("allocations.sql", "api_status_blocks", "api_allocation_freed"),
            migrations.RunSQL.noop,
        ),
    ]
