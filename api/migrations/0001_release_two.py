"""Every table, made from the models, and what only SQL can say: the files of `sql/`."""

import datetime
import uuid
from pathlib import Path

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.comparison
import django.db.models.functions.datetime
import django.db.models.functions.text
import django.db.models.lookups
from django.conf import settings
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models

import api.models.bookings
import api.models.identifiers
import api.models.roles
import api.models.venues

SQL = Path(__file__).with_name("sql")


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        # whose table is audited
        ("django_celery_beat", "0019_alter_periodictasks_options"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        BtreeGistExtension(),
        migrations.CreateModel(
            name="ConsentText",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("text", models.TextField(help_text="Empty: nothing is asked any more")),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="HoursException",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("first_on", models.DateField()),
                ("last_on", models.DateField()),
                ("hours", models.JSONField(blank=True, default=list)),
                ("reason", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "verbose_name": "exception",
                "ordering": ["venue", "first_on"],
            },
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60, unique=True)),
                ("every", models.DurationField(blank=True, null=True)),
                (
                    "known_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("succeeded_at", models.DateTimeField(blank=True, null=True)),
                ("progressed_at", models.DateTimeField(blank=True, null=True)),
                ("duration", models.DurationField(blank=True, null=True)),
                ("count", models.BigIntegerField(default=0, help_text="Rows of the last run")),
                ("total", models.BigIntegerField(default=0, help_text="Rows of all runs")),
                ("runs", models.BigIntegerField(default=0)),
                ("failed_runs", models.BigIntegerField(default=0)),
                ("last_error", models.TextField(blank=True)),
                ("worker", models.CharField(blank=True, max_length=120)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Pool",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("retired_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="PrimetimeWindow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("weekday", models.PositiveSmallIntegerField(help_text="0 is Monday")),
                ("starts_at", models.TimeField()),
                ("ends_at", models.TimeField()),
                ("is_active", models.BooleanField(default=True)),
            ],
            options={
                "ordering": ["venue", "weekday"],
            },
        ),
        migrations.CreateModel(
            name="Venue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(unique=True)),
                ("name", models.CharField(max_length=200)),
                ("time_zone", models.CharField(default="UTC", max_length=64)),
                ("currency", models.CharField(default="usd", max_length=3)),
                (
                    "joining",
                    models.CharField(
                        choices=[
                            ("open", "Whoever books becomes a customer"),
                            ("invited", "Only its members book"),
                        ],
                        db_default="open",
                        default="open",
                        max_length=8,
                    ),
                ),
                ("opens_at", models.TimeField(blank=True, default=datetime.time(0, 0), null=True)),
                ("closes_at", models.TimeField(blank=True, default=datetime.time(0, 0), null=True)),
                ("hours_enforced", models.BooleanField(default=True)),
                (
                    "closed_weekdays",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(
                            validators=[django.core.validators.MaxValueValidator(6)]
                        ),
                        blank=True,
                        default=list,
                        help_text="0 is Monday",
                        size=None,
                    ),
                ),
                (
                    "holidays",
                    models.CharField(
                        blank=True,
                        help_text="Country or part of it (DE-BY, US-CA) on whose public holidays it is closed",
                        max_length=10,
                        null=True,
                    ),
                ),
                ("slot_length", models.DurationField(default=datetime.timedelta(seconds=3600))),
                (
                    "slot_step",
                    models.DurationField(
                        db_default=datetime.timedelta(seconds=900),
                        default=datetime.timedelta(seconds=900),
                        help_text="Between the starts of a service, from each opening",
                    ),
                ),
                (
                    "slot_rule",
                    models.CharField(
                        choices=[
                            ("free", "Any start and end"),
                            ("whole", "A whole number of slots"),
                            ("grid", "Whole slots on the grid from opening"),
                        ],
                        default="free",
                        max_length=8,
                    ),
                ),
                (
                    "capacity_enforced",
                    models.BooleanField(
                        db_default=True,
                        default=True,
                        help_text="Off: a resource may take more guests than places; analytics count it",
                    ),
                ),
                (
                    "approval",
                    models.CharField(
                        choices=[
                            ("never", "Confirmed at once"),
                            ("primetime", "Primetime needs approval"),
                            ("always", "Every booking needs approval"),
                        ],
                        default="never",
                        max_length=10,
                    ),
                ),
                (
                    "primetime_any_overlap",
                    models.BooleanField(
                        default=True,
                        help_text="Off: only a slot wholly inside the window is primetime",
                    ),
                ),
                (
                    "min_notice",
                    models.DurationField(
                        default=datetime.timedelta(0),
                        help_text="Negative: a slot that has begun may still be booked",
                    ),
                ),
                ("max_advance", models.DurationField(blank=True, null=True)),
                ("same_day_allowed", models.BooleanField(default=True)),
                ("hold_length", models.DurationField(default=datetime.timedelta(seconds=1800))),
                (
                    "guests",
                    models.BooleanField(
                        db_default=True,
                        default=True,
                        help_text="Whether people without an account may book",
                    ),
                ),
                (
                    "guest_hold",
                    models.DurationField(
                        db_default=datetime.timedelta(seconds=900),
                        default=datetime.timedelta(seconds=900),
                        help_text="Until a guest has confirmed",
                    ),
                ),
                ("max_open_holds", models.PositiveIntegerField(default=50, help_text="Per person")),
                (
                    "offer_length",
                    models.DurationField(
                        db_default=datetime.timedelta(seconds=3600),
                        default=datetime.timedelta(seconds=3600),
                        help_text="How long whoever waited has to answer an offer",
                    ),
                ),
                (
                    "offer_min_lead",
                    models.DurationField(
                        db_default=datetime.timedelta(0),
                        default=datetime.timedelta(0),
                        help_text="What is freed later than this before it begins is offered to nobody",
                    ),
                ),
                ("waitlist_members_first", models.BooleanField(db_default=False, default=False)),
                (
                    "max_bookings_ahead",
                    models.PositiveIntegerField(
                        blank=True,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                ("max_hours_a_week", models.DurationField(blank=True, null=True)),
                (
                    "max_open_requests",
                    models.PositiveIntegerField(
                        blank=True,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "no_shows_before_pause",
                    models.PositiveIntegerField(
                        blank=True,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                ("pause_length", models.DurationField(blank=True, null=True)),
                ("check_in_required", models.BooleanField(default=False)),
                (
                    "check_in_opens_before",
                    models.DurationField(default=datetime.timedelta(seconds=900)),
                ),
                (
                    "check_in_closes_after",
                    models.DurationField(default=datetime.timedelta(seconds=900)),
                ),
                ("no_show_grace", models.DurationField(default=datetime.timedelta(seconds=900))),
                (
                    "grace_from_booking",
                    models.BooleanField(
                        db_default=True,
                        default=True,
                        help_text="Off: the grace of what is booked after it began counts from its start",
                    ),
                ),
                (
                    "series_no_show_limit",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="So many no-shows end a series; none: it goes on",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "completion_from",
                    models.CharField(
                        choices=[("start", "After the start"), ("end", "After the end")],
                        default="end",
                        max_length=5,
                    ),
                ),
                ("completion_after", models.DurationField(default=datetime.timedelta(0))),
                ("remind_before", models.DurationField(blank=True, null=True)),
                (
                    "refund_until",
                    models.DurationField(
                        default=datetime.timedelta(days=1),
                        help_text="Cancelled at least this long before: all back",
                    ),
                ),
                (
                    "late_refund_percent",
                    models.PositiveSmallIntegerField(
                        default=0, validators=[django.core.validators.MaxValueValidator(100)]
                    ),
                ),
                (
                    "panel_networks",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            max_length=43, validators=[api.models.venues.validate_network]
                        ),
                        blank=True,
                        db_default=[],
                        default=list,
                        help_text="Networks (CIDR) whose panels need no token; none: all panels need theirs",
                        size=None,
                    ),
                ),
                (
                    "second_factor_required",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Staff and admins who signed in without one may do there what customers may",
                    ),
                ),
                (
                    "retention",
                    models.DurationField(
                        blank=True,
                        help_text="So long after a booking its people are forgotten; none: never",
                        null=True,
                    ),
                ),
                (
                    "consent_version",
                    models.PositiveIntegerField(
                        db_default=0,
                        default=0,
                        editable=False,
                        help_text="Of its present text; 0 for none",
                    ),
                ),
                ("send_confirmation_emails", models.BooleanField(default=True)),
                (
                    "admin_email",
                    models.EmailField(
                        blank=True,
                        max_length=254,
                        validators=[api.models.identifiers.validate_address],
                    ),
                ),
                (
                    "wording",
                    models.CharField(
                        blank=True,
                        help_text="Folder of email_templates that is looked in first",
                        max_length=20,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "rules_version",
                    models.BigIntegerField(
                        default=0,
                        editable=False,
                        help_text="New by trigger whenever the venue, its windows, hours or resources change",
                    ),
                ),
            ],
            options={
                "ordering": ["slug"],
            },
        ),
        migrations.CreateModel(
            name="Series",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "rule",
                    models.CharField(help_text="When it comes again (RFC 5545)", max_length=500),
                ),
                ("first_on", models.DateField(help_text="Local date of the first occurrence")),
                ("first_at", models.TimeField(help_text="Its wall time")),
                ("duration", models.DurationField()),
                (
                    "zone_name",
                    models.CharField(help_text="The venue's when it was made", max_length=64),
                ),
                (
                    "exdates",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateTimeField(),
                        blank=True,
                        db_default=[],
                        default=list,
                        size=None,
                    ),
                ),
                (
                    "rdates",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateTimeField(),
                        blank=True,
                        db_default=[],
                        default=list,
                        size=None,
                    ),
                ),
                (
                    "shift",
                    models.DurationField(
                        db_default=datetime.timedelta(0),
                        default=datetime.timedelta(0),
                        help_text="In wall time",
                    ),
                ),
                (
                    "on_conflict",
                    models.CharField(
                        choices=[
                            ("refuse", "All of it or nothing"),
                            ("skip", "Without those that are taken or refused"),
                            ("nearest", "What is taken moves to the nearest free time"),
                        ],
                        max_length=7,
                    ),
                ),
                (
                    "others",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        blank=True,
                        db_default=[],
                        default=list,
                        size=None,
                    ),
                ),
                (
                    "prefer",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        blank=True,
                        db_default=[],
                        default=list,
                        size=None,
                    ),
                ),
                ("quantity", models.PositiveIntegerField(default=1)),
                ("title", models.CharField(blank=True, max_length=255)),
                ("notes", models.TextField(blank=True)),
                ("guests", models.PositiveIntegerField(default=1)),
                (
                    "attendees",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        blank=True,
                        db_default=[],
                        default=list,
                        size=None,
                    ),
                ),
                ("contract", models.CharField(blank=True, max_length=20)),
                ("missed", models.JSONField(blank=True, db_default={}, default=dict)),
                (
                    "later_from",
                    models.DateTimeField(
                        blank=True, help_text="The first occurrence that is booked later", null=True
                    ),
                ),
                (
                    "extends_at",
                    models.DateTimeField(
                        blank=True, help_text="When the next of these can be booked", null=True
                    ),
                ),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "ended_because",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("cancelled", "It was cancelled"),
                            ("no_shows", "Nobody came too often"),
                        ],
                        max_length=9,
                    ),
                ),
                (
                    "ended_bookings",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        blank=True,
                        db_default=[],
                        default=list,
                        help_text="What was cancelled when too many did not come",
                        size=None,
                    ),
                ),
                (
                    "no_shows_forgiven",
                    models.PositiveIntegerField(
                        db_default=0, default=0, help_text="Those before it was resumed"
                    ),
                ),
                (
                    "dry_run",
                    models.CharField(editable=False, max_length=32, null=True, unique=True),
                ),
                ("version", models.PositiveIntegerField(db_default=1, default=1)),
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
                "verbose_name": "series",
                "verbose_name_plural": "series",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Service",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("description", models.TextField(blank=True)),
                (
                    "buffer_before",
                    models.DurationField(
                        db_default=datetime.timedelta(0),
                        default=datetime.timedelta(0),
                        help_text="Or the resource's, if longer",
                    ),
                ),
                (
                    "buffer_after",
                    models.DurationField(
                        db_default=datetime.timedelta(0), default=datetime.timedelta(0)
                    ),
                ),
                ("retired_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="ServiceDuration",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("duration", models.DurationField()),
                (
                    "price_minor",
                    models.PositiveBigIntegerField(
                        default=0, help_text="In minor units of the venue's currency"
                    ),
                ),
            ],
            options={
                "ordering": ["duration"],
            },
        ),
        migrations.CreateModel(
            name="StripeEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                (
                    "due_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("last_error", models.TextField(blank=True)),
                ("event_id", models.CharField(max_length=255, unique=True)),
                ("type", models.CharField(max_length=100)),
                ("intent_id", models.CharField(blank=True, max_length=255)),
                ("payload", models.JSONField(default=dict)),
                ("state", models.CharField(default="waiting", max_length=10)),
                (
                    "received_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Trade",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("offered", "Offered"),
                            ("accepted", "Accepted"),
                            ("rejected", "Rejected"),
                            ("withdrawn", "Withdrawn"),
                            ("lapsed", "Lapsed"),
                        ],
                        default="offered",
                        max_length=10,
                    ),
                ),
                ("message", models.TextField(blank=True)),
                ("response_message", models.TextField(blank=True)),
                (
                    "lapses_at",
                    models.DateTimeField(help_text="When the earlier of the two bookings begins"),
                ),
                ("responded_at", models.DateTimeField(blank=True, null=True)),
                ("version", models.PositiveIntegerField(default=1)),
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
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="UserProfile",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("profile_picture", models.URLField(blank=True, max_length=500, null=True)),
                ("cloudinary_public_id", models.CharField(blank=True, max_length=255)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.CreateModel(
            name="UserSession",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("browser", "A browser's session"),
                            ("tokens", "Tokens of an API"),
                        ],
                        max_length=8,
                    ),
                ),
                ("key", models.CharField(max_length=64)),
                ("contract", models.CharField(blank=True, max_length=20)),
                (
                    "methods",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=8), default=list, size=None
                    ),
                ),
                ("user_agent", models.CharField(blank=True, max_length=200)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "last_used_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("expires_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
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
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "email",
                    models.EmailField(
                        max_length=254,
                        unique=True,
                        validators=[api.models.identifiers.validate_address],
                    ),
                ),
                ("email_key", models.CharField(editable=False, max_length=254)),
                ("email_verified_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("username", models.CharField(blank=True, max_length=150, null=True)),
                ("username_key", models.CharField(editable=False, max_length=254, null=True)),
                ("first_name", models.CharField(blank=True, max_length=150)),
                ("last_name", models.CharField(blank=True, max_length=150)),
                ("phone", models.CharField(blank=True, max_length=20)),
                ("department", models.CharField(blank=True, max_length=120)),
                ("is_active", models.BooleanField(default=True)),
                ("date_joined", models.DateTimeField(auto_now_add=True)),
                ("erased_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "sessions_valid_from",
                    models.DateTimeField(blank=True, editable=False, null=True),
                ),
                (
                    "ended_sessions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        db_default=[],
                        default=list,
                        editable=False,
                        size=None,
                    ),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
            bases=(api.models.roles.Caller, models.Model),
        ),
        migrations.CreateModel(
            name="AccountChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email", models.EmailField(max_length=254)),
                ("email_key", models.CharField(max_length=254)),
                ("username", models.CharField(max_length=150, null=True)),
                ("password", models.CharField(max_length=128)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("expires_at", models.DateTimeField()),
                ("undone_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changes",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("prefix", models.CharField(help_text="How its secret begins", max_length=16)),
                ("secret_hash", models.CharField(max_length=64, unique=True)),
                (
                    "venue_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        help_text="Ids of venues, which are never deleted",
                        size=None,
                    ),
                ),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("read", "Reads what staff read"),
                                ("book", "Makes and answers for bookings"),
                                ("manage", "Changes what staff change"),
                            ],
                            max_length=6,
                        ),
                        size=None,
                    ),
                ),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "API key",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("operator", "Operator"),
                            ("admin", "Admin"),
                            ("staff", "Staff"),
                            ("key", "API key"),
                        ],
                        max_length=8,
                    ),
                ),
                ("action", models.CharField(max_length=20)),
                ("object", models.CharField(help_text="As booking:12", max_length=200)),
                ("before", models.JSONField(null=True)),
                ("after", models.JSONField(null=True)),
                ("request_id", models.CharField(blank=True, max_length=64)),
                (
                    "salt",
                    models.UUIDField(
                        help_text="Hides what is erased from who tries out its hash", null=True
                    ),
                ),
                (
                    "content_digest",
                    models.BinaryField(default=b"", help_text="Of salt, before and after"),
                ),
                ("digest", models.BinaryField(default=b"", help_text="Of all the rest")),
                (
                    "key",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="api.apikey",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "audit entries",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("position", models.BigIntegerField(primary_key=True, serialize=False)),
                ("hash", models.BinaryField()),
                (
                    "sealed_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), db_index=True
                    ),
                ),
                (
                    "entry",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="seal",
                        to="api.auditentry",
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
            },
        ),
        migrations.CreateModel(
            name="Booking",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "guest_name",
                    models.CharField(blank=True, db_default="", default="", max_length=150),
                ),
                (
                    "guest_email",
                    models.EmailField(blank=True, db_default="", default="", max_length=254),
                ),
                (
                    "guest_key",
                    models.CharField(db_default="", default="", editable=False, max_length=254),
                ),
                ("guest_confirmed_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "guest_link",
                    models.CharField(db_default="", default="", editable=False, max_length=22),
                ),
                ("title", models.CharField(blank=True, max_length=255)),
                ("notes", models.TextField(blank=True)),
                ("guests", models.PositiveIntegerField(default=1, help_text="People expected")),
                (
                    "quantity",
                    models.PositiveIntegerField(
                        db_default=1, default=1, help_text="Units of each resource"
                    ),
                ),
                (
                    "several",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Whether it takes other resources too",
                    ),
                ),
                (
                    "recurrence_id",
                    models.DateTimeField(
                        blank=True, help_text="When the rule of the series has it", null=True
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                (
                    "status",
                    models.CharField(
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
                ("primetime", models.BooleanField(default=False)),
                ("offer_expires_at", models.DateTimeField(blank=True, null=True)),
                ("hold_expires_at", models.DateTimeField(blank=True, null=True)),
                ("lapses_at", models.DateTimeField(blank=True, null=True)),
                ("check_in_opens_at", models.DateTimeField(blank=True, null=True)),
                ("check_in_closes_at", models.DateTimeField(blank=True, null=True)),
                ("no_show_at", models.DateTimeField(blank=True, null=True)),
                ("completes_at", models.DateTimeField(blank=True, null=True)),
                ("remind_at", models.DateTimeField(blank=True, null=True)),
                ("price_minor", models.PositiveBigIntegerField(default=0)),
                ("currency", models.CharField(blank=True, max_length=3)),
                (
                    "payment_status",
                    models.CharField(
                        choices=[
                            ("none", "Nothing to pay"),
                            ("pending", "Not paid yet"),
                            ("processing", "Payment begun"),
                            ("succeeded", "Paid"),
                            ("failed", "Payment failed"),
                            ("partly_refunded", "Partly paid back"),
                            ("refunded", "Paid back"),
                        ],
                        default="none",
                        max_length=20,
                    ),
                ),
                ("approved_at", models.DateTimeField(blank=True, null=True)),
                ("rejection_reason", models.TextField(blank=True)),
                ("checked_in_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "held_from",
                    models.CharField(
                        db_default="",
                        default="",
                        editable=False,
                        help_text="Mark of an address",
                        max_length=16,
                    ),
                ),
                (
                    "contract",
                    models.CharField(
                        blank=True, help_text="The door it came through", max_length=20
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "approved_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "attendees",
                    models.ManyToManyField(
                        blank=True, related_name="invited_to", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bookings",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="BookingEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("verb", models.CharField(max_length=20)),
                ("from_status", models.CharField(blank=True, max_length=10)),
                ("to_status", models.CharField(max_length=10)),
                (
                    "by",
                    models.CharField(
                        choices=[
                            ("owner", "Owner"),
                            ("guest", "Guest"),
                            ("staff", "Staff"),
                            ("member", "Anyone signed in"),
                            ("panel", "Door panel"),
                            ("counterpart", "The person asked"),
                            ("payment", "Payment provider"),
                            ("clock", "Clock"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "actor_name",
                    models.CharField(blank=True, help_text="The job, panel or key", max_length=120),
                ),
                ("details", models.JSONField(blank=True, default=dict)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "booking",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="api.booking",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Consent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email_key", models.CharField(blank=True, max_length=254)),
                (
                    "accepted_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="consents",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "text",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="consents",
                        to="api.consenttext",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                (
                    "due_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("last_error", models.TextField(blank=True)),
                ("key", models.CharField(help_text="One effect, one key", max_length=200)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("email", "E-mail"),
                            ("cancel_intent", "Cancel a payment intent"),
                            ("refund", "Refund"),
                        ],
                        default="email",
                        max_length=16,
                    ),
                ),
                ("name", models.CharField(help_text="Which e-mail or call", max_length=40)),
                ("to", models.CharField(blank=True, max_length=254)),
                ("payload", models.JSONField(blank=True, default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("sending", "Being sent"),
                            ("sent", "Sent"),
                            ("withheld", "Withheld"),
                            ("parked", "Parked after the last attempt"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("request_id", models.CharField(blank=True, max_length=64)),
                (
                    "booking",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="api.booking",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Export",
            fields=[
                ("attempts", models.PositiveIntegerField(default=0)),
                (
                    "due_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("last_error", models.TextField(blank=True)),
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "figure",
                    models.CharField(
                        choices=[
                            ("kpi", "Key figures"),
                            ("utilization", "Utilization"),
                            ("ghosting", "Ghosting"),
                            ("capacity", "Capacity"),
                            ("heat_map", "Booked hours by weekday and hour"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "format",
                    models.CharField(choices=[("csv", "CSV"), ("pdf", "PDF")], max_length=4),
                ),
                ("venue_slug", models.CharField(blank=True, max_length=50)),
                (
                    "venues",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        help_text="Ids of whose figures they are; null: all",
                        null=True,
                        size=None,
                    ),
                ),
                ("first_on", models.DateField()),
                ("last_on", models.DateField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting for a worker"),
                            ("working", "Being made"),
                            ("ready", "Ready"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("progress", models.PositiveSmallIntegerField(default=0, help_text="Percent")),
                ("content", models.BinaryField(null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("beat", "Beat"), ("worker", "Worker")], max_length=8
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("pid", models.PositiveIntegerField()),
                (
                    "seen_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "ordering": ["kind", "name"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("kind"), models.F("name"), name="heartbeat_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["beat", "worker"])),
                        name="heartbeat_kind_is_known",
                    ),
                ],
            },
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
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "scope",
                    models.CharField(help_text="Who asked: a person or an address", max_length=80),
                ),
                ("key", models.CharField(max_length=255)),
                (
                    "fingerprint",
                    models.CharField(help_text="Of method, path and body", max_length=64),
                ),
                ("status", models.PositiveSmallIntegerField()),
                ("body", models.JSONField(null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "indexes": [models.Index(models.F("created_at"), name="idempotency_age")],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("scope"), models.F("key"), name="idempotency_key_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email", models.EmailField(max_length=254)),
                ("email_key", models.CharField(editable=False, max_length=254)),
                (
                    "role",
                    models.CharField(
                        choices=[("customer", "Customer"), ("staff", "Staff"), ("admin", "Admin")],
                        default="customer",
                        max_length=8,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "invited_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="JobFailure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("job", models.CharField(max_length=60)),
                ("row", models.CharField(max_length=60)),
                ("error", models.TextField()),
                ("attempts", models.PositiveIntegerField(default=1)),
                (
                    "first_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "last_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "retry_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "ordering": ["-last_at"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("job"), models.F("row"), name="job_failure_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[("customer", "Customer"), ("staff", "Staff"), ("admin", "Admin")],
                        default="customer",
                        max_length=8,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Payment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("attempt", models.PositiveIntegerField(default=1)),
                ("intent_id", models.CharField(blank=True, max_length=255, null=True, unique=True)),
                ("client_secret", models.CharField(blank=True, max_length=255)),
                (
                    "checkout_id",
                    models.CharField(blank=True, db_default="", default="", max_length=255),
                ),
                ("checkout_url", models.TextField(blank=True, db_default="", default="")),
                ("amount_minor", models.PositiveBigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("status", models.CharField(default="requires_payment_method", max_length=40)),
                ("method", models.CharField(blank=True, max_length=255)),
                ("last_error", models.TextField(blank=True)),
                ("checked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "booking",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payments",
                        to="api.booking",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Dispute",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stripe_id", models.CharField(max_length=255, unique=True)),
                ("amount_minor", models.PositiveBigIntegerField()),
                ("reason", models.CharField(blank=True, max_length=100)),
                ("status", models.CharField(max_length=40)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="disputes",
                        to="api.payment",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Need",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("quantity", models.PositiveIntegerField(db_default=1, default=1)),
                (
                    "pool",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="needs",
                        to="api.pool",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=200, unique=True)),
                ("amount_minor", models.PositiveBigIntegerField()),
                ("up_to_minor", models.PositiveBigIntegerField(blank=True, null=True)),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("stripe_id", models.CharField(blank=True, max_length=255)),
                ("status", models.CharField(default="waiting", max_length=20)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refunds",
                        to="api.payment",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Resource",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=255)),
                ("description", models.TextField(blank=True)),
                ("building", models.CharField(blank=True, max_length=120)),
                ("floor", models.IntegerField(default=0)),
                ("capacity", models.PositiveIntegerField(default=1, help_text="People")),
                (
                    "units",
                    models.PositiveIntegerField(
                        db_default=1, default=1, help_text="Identical places: seats, bikes, lockers"
                    ),
                ),
                (
                    "buffer_before",
                    models.DurationField(
                        db_default=datetime.timedelta(0),
                        default=datetime.timedelta(0),
                        help_text="Kept free before a booking",
                    ),
                ),
                (
                    "buffer_after",
                    models.DurationField(
                        db_default=datetime.timedelta(0),
                        default=datetime.timedelta(0),
                        help_text="Kept free after a booking",
                    ),
                ),
                (
                    "amenities",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                ("image_url", models.URLField(blank=True, max_length=500)),
                ("is_available", models.BooleanField(default=True)),
                ("maintenance", models.BooleanField(default=False)),
                (
                    "price_minor",
                    models.PositiveBigIntegerField(
                        default=0,
                        help_text="Per slot, in minor units of the currency; 0 is free of charge",
                    ),
                ),
                (
                    "rates",
                    models.JSONField(
                        blank=True,
                        db_default=[],
                        default=list,
                        editable=False,
                        help_text="Prices of slots by weekday, hours and dates; the first that fits decides",
                    ),
                ),
                (
                    "opens_at",
                    models.TimeField(
                        blank=True,
                        help_text="Own hours on the days on which the venue is open; others are in `Hours`",
                        null=True,
                    ),
                ),
                ("closes_at", models.TimeField(blank=True, null=True)),
                ("own_slot_length", models.DurationField(blank=True, null=True)),
                (
                    "crowded_until",
                    models.DateTimeField(
                        blank=True,
                        editable=False,
                        help_text="Until then more units are booked than are",
                        null=True,
                    ),
                ),
                ("retired_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        help_text="Who it is, where a person is what is booked",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="resources",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.AddField(
            model_name="pool",
            name="resources",
            field=models.ManyToManyField(related_name="pools", to="api.resource"),
        ),
        migrations.CreateModel(
            name="Panel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=120)),
                ("token_hash", models.CharField(blank=True, max_length=64, null=True, unique=True)),
                ("code_hash", models.CharField(blank=True, max_length=64, null=True, unique=True)),
                ("code_expires_at", models.DateTimeField(blank=True, null=True)),
                ("paired_at", models.DateTimeField(blank=True, null=True)),
                ("last_seen_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="panels",
                        to="api.resource",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="OutdatedPeriod",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                (
                    "resource",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="api.resource",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="MonthRollup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("starts_on", models.DateField()),
                (
                    "basis",
                    models.BigIntegerField(help_text="The hours and bounds it was counted with"),
                ),
                ("capacity", models.IntegerField(help_text="The capacity it was counted with")),
                ("bookings", models.IntegerField()),
                ("no_shows", models.IntegerField()),
                ("wasted", models.DurationField()),
                ("attendees", models.BigIntegerField()),
                ("units", models.BigIntegerField()),
                ("oversized", models.IntegerField()),
                ("undersized", models.IntegerField()),
                ("booked", models.DurationField()),
                (
                    "starts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(),
                        help_text="Bookings by hour of their start",
                        size=None,
                    ),
                ),
                (
                    "heat",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(),
                        help_text="Booked seconds by hour of the wall clock",
                        size=None,
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="api.resource",
                    ),
                ),
            ],
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
                (
                    "resource",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="own_hours",
                        to="api.resource",
                    ),
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
                (
                    "resource",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="api.resource",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="DayRollup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("starts_on", models.DateField()),
                (
                    "basis",
                    models.BigIntegerField(help_text="The hours and bounds it was counted with"),
                ),
                ("capacity", models.IntegerField(help_text="The capacity it was counted with")),
                ("bookings", models.IntegerField()),
                ("no_shows", models.IntegerField()),
                ("wasted", models.DurationField()),
                ("attendees", models.BigIntegerField()),
                ("units", models.BigIntegerField()),
                ("oversized", models.IntegerField()),
                ("undersized", models.IntegerField()),
                ("booked", models.DurationField()),
                (
                    "starts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(),
                        help_text="Bookings by hour of their start",
                        size=None,
                    ),
                ),
                (
                    "heat",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(),
                        help_text="Booked seconds by hour of the wall clock",
                        size=None,
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="api.resource",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="booking",
            name="resource",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="bookings",
                to="api.resource",
            ),
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
                (
                    "rule",
                    models.CharField(
                        blank=True, help_text="When it comes again (RFC 5545)", max_length=200
                    ),
                ),
                (
                    "repeats",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=django.contrib.postgres.fields.ranges.DateTimeRangeField(),
                        db_default=[],
                        default=list,
                        help_text="The later ones of its rule",
                        size=None,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=200)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="blocks",
                        to="api.resource",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
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
                (
                    "block",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="allocations",
                        to="api.block",
                    ),
                ),
                (
                    "booking",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="allocations",
                        to="api.booking",
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="allocations",
                        to="api.resource",
                    ),
                ),
            ],
            options={
                "ordering": ["resource", "unit"],
            },
        ),
        migrations.CreateModel(
            name="Review",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(help_text="Of the rule, as in a refusal", max_length=40)),
                ("detail", models.CharField(help_text="The rule, for people", max_length=400)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "decision",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("keep", "Kept as it is"),
                            ("move", "Moved"),
                            ("cancel", "Cancelled"),
                            ("fits", "Fits again"),
                        ],
                        max_length=6,
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("reason", models.TextField(blank=True)),
                (
                    "broken",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60),
                        blank=True,
                        default=list,
                        help_text="Keys of all rules that the booking breaks, as it was looked through last; of one that is kept those that it is kept against, for as long as it breaks them",
                        size=None,
                    ),
                ),
                (
                    "booking",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reviews",
                        to="api.booking",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="RulesReview",
            fields=[
                (
                    "venue",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="api.venue",
                    ),
                ),
                ("version", models.BigIntegerField(default=0)),
                ("time_zone", models.CharField(max_length=64)),
                (
                    "reviewed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="venue",
            constraint=models.CheckConstraint(
                condition=models.Q(("approval__in", ["never", "primetime", "always"])),
                name="venue_approval_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="venue",
            constraint=models.CheckConstraint(
                condition=models.Q(("joining__in", ["open", "invited"])),
                name="venue_joining_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="venue",
            constraint=models.CheckConstraint(
                condition=models.Q(("slot_rule__in", ["free", "whole", "grid"])),
                name="venue_slot_rule_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="venue",
            constraint=models.CheckConstraint(
                condition=models.Q(("completion_from__in", ["start", "end"])),
                name="venue_completion_is_known",
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
        migrations.AddConstraint(
            model_name="venue",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("retention", None),
                    ("retention__gte", datetime.timedelta(days=1)),
                    _connector="OR",
                ),
                name="venue_retention",
            ),
        ),
        migrations.AddConstraint(
            model_name="venue",
            constraint=models.CheckConstraint(
                condition=models.Q(("late_refund_percent__lte", 100)), name="venue_refund_percent"
            ),
        ),
        migrations.AddConstraint(
            model_name="venue",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("max_bookings_ahead__isnull", True),
                    ("max_bookings_ahead__gt", 0),
                    _connector="OR",
                ),
                name="venue_max_bookings_ahead",
            ),
        ),
        migrations.AddConstraint(
            model_name="venue",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("max_open_requests__isnull", True),
                    ("max_open_requests__gt", 0),
                    _connector="OR",
                ),
                name="venue_max_open_requests",
            ),
        ),
        migrations.AddConstraint(
            model_name="venue",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("no_shows_before_pause__isnull", True),
                    ("no_shows_before_pause__gt", 0),
                    _connector="OR",
                ),
                name="venue_no_shows_before_pause",
            ),
        ),
        migrations.AddConstraint(
            model_name="venue",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("max_hours_a_week__isnull", True),
                    ("max_hours_a_week__gt", datetime.timedelta(0)),
                    _connector="OR",
                ),
                name="venue_max_hours_a_week",
            ),
        ),
        migrations.AddConstraint(
            model_name="venue",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("pause_length__isnull", True),
                    ("pause_length__gt", datetime.timedelta(0)),
                    _connector="OR",
                ),
                name="venue_pause_length",
            ),
        ),
        migrations.AddConstraint(
            model_name="venue",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("no_shows_before_pause", None),
                    ("pause_length__isnull", False),
                    _connector="OR",
                ),
                name="venue_pause_has_a_length",
            ),
        ),
        migrations.AddConstraint(
            model_name="venue",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("series_no_show_limit", None),
                    ("series_no_show_limit__gte", 1),
                    _connector="OR",
                ),
                name="venue_series_no_show_limit",
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
            model_name="resource",
            name="venue",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="resources",
                to="api.venue",
            ),
        ),
        migrations.AddField(
            model_name="primetimewindow",
            name="venue",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="primetime",
                to="api.venue",
            ),
        ),
        migrations.AddField(
            model_name="pool",
            name="venue",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="pools", to="api.venue"
            ),
        ),
        migrations.AddField(
            model_name="membership",
            name="venue",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="memberships",
                to="api.venue",
            ),
        ),
        migrations.AddField(
            model_name="invitation",
            name="venue",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="invitations",
                to="api.venue",
            ),
        ),
        migrations.AddField(
            model_name="hoursexception",
            name="venue",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="exceptions",
                to="api.venue",
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
            model_name="consenttext",
            name="venue",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="None: the whole instance, asked when somebody registers",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="consent_texts",
                to="api.venue",
            ),
        ),
        migrations.AddField(
            model_name="booking",
            name="venue",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="bookings",
                to="api.venue",
            ),
        ),
        migrations.AddField(
            model_name="auditentry",
            name="venue",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="api.venue",
            ),
        ),
        migrations.AddField(
            model_name="series",
            name="owner",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="series",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="series",
            name="resource",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="series",
                to="api.resource",
            ),
        ),
        migrations.AddField(
            model_name="series",
            name="venue",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="series", to="api.venue"
            ),
        ),
        migrations.AddField(
            model_name="booking",
            name="series",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="bookings",
                to="api.series",
            ),
        ),
        migrations.AddField(
            model_name="service",
            name="venue",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="services", to="api.venue"
            ),
        ),
        migrations.AddField(
            model_name="series",
            name="service",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="api.service",
            ),
        ),
        migrations.AddField(
            model_name="need",
            name="service",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="needs", to="api.service"
            ),
        ),
        migrations.AddField(
            model_name="booking",
            name="service",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="api.service",
            ),
        ),
        migrations.AddField(
            model_name="serviceduration",
            name="service",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="durations",
                to="api.service",
            ),
        ),
        migrations.AddIndex(
            model_name="stripeevent",
            index=models.Index(
                models.F("due_at"),
                condition=models.Q(("state__in", ["waiting", "working"])),
                name="stripe_event_due",
            ),
        ),
        migrations.AddField(
            model_name="trade",
            name="requester",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="trades_offered",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="trade",
            name="requester_booking",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="api.booking"
            ),
        ),
        migrations.AddField(
            model_name="trade",
            name="target",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="trades_received",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="trade",
            name="target_booking",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="api.booking"
            ),
        ),
        migrations.AddField(
            model_name="userprofile",
            name="user",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="profile",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="usersession",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="sessions",
                to=settings.AUTH_USER_MODEL,
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
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(("email", django.db.models.functions.text.Lower("email"))),
                name="user_email_is_lower_case",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(fields=("email_key",), name="user_email_unique"),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(
                fields=("username_key",), name="user_username_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("username_key__contains", "@"), _negated=True),
                    ("username_key", models.F("email_key")),
                    _connector="OR",
                ),
                name="user_username_is_no_address_of_others",
            ),
        ),
        migrations.AddIndex(
            model_name="accountchange",
            index=models.Index(
                models.F("email_key"), models.F("expires_at"), name="account_change_by_email"
            ),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("scopes__contained_by", ["read", "book", "manage"]), ("scopes__len__gt", 0)
                ),
                name="key_scopes_are_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.CheckConstraint(
                condition=models.Q(("venue_ids__len__gt", 0)), name="key_has_a_venue"
            ),
        ),
        migrations.AddIndex(
            model_name="bookingevent",
            index=models.Index(models.F("booking"), models.F("id"), name="event_by_booking"),
        ),
        migrations.AddConstraint(
            model_name="consent",
            constraint=models.UniqueConstraint(
                fields=("user", "text", "email_key"), name="consent_once", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="consent",
            constraint=models.CheckConstraint(
                condition=models.Q(("user", None), ("email_key", ""), _connector="XOR"),
                name="consent_is_of_one",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                models.F("due_at"),
                condition=models.Q(("state__in", ["waiting", "sending"])),
                name="delivery_due",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(models.F("booking"), name="delivery_by_booking"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                models.F("to"),
                models.F("created_at"),
                condition=models.Q(("kind", "email")),
                name="delivery_to",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                models.F("kind"), condition=models.Q(("state", "parked")), name="delivery_parked"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                models.F("finished_at"),
                condition=models.Q(("finished_at__isnull", False)),
                name="delivery_finished",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(fields=("key",), name="delivery_once"),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["waiting", "sending", "sent", "withheld", "parked"])
                ),
                name="delivery_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["email", "cancel_intent", "refund"])),
                name="delivery_kind_is_known",
            ),
        ),
        migrations.AddIndex(
            model_name="export",
            index=models.Index(
                models.F("due_at"),
                condition=models.Q(("state__in", ["waiting", "working"])),
                name="export_due",
            ),
        ),
        migrations.AddIndex(
            model_name="export",
            index=models.Index(models.F("created_at"), name="export_age"),
        ),
        migrations.AddConstraint(
            model_name="export",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["waiting", "working", "ready", "failed"])),
                name="export_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="export",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "ready"), _negated=True),
                    ("content__isnull", False),
                    _connector="OR",
                ),
                name="export_ready_has_content",
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.UniqueConstraint(
                models.F("booking"), models.F("attempt"), name="payment_attempt_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor__gt", 0)), name="payment_amount"
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor__gt", 0)), name="refund_amount"
            ),
        ),
        migrations.AddConstraint(
            model_name="monthrollup",
            constraint=models.UniqueConstraint(
                models.F("starts_on"), models.F("resource"), name="month_rollup_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="dayrollup",
            constraint=models.UniqueConstraint(
                models.F("starts_on"), models.F("resource"), name="day_rollup_once"
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
                models.F("resource"),
                models.F("span__startswith"),
                condition=models.Q(("kind", "part")),
                name="allocation_parts",
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
        migrations.AddConstraint(
            model_name="review",
            constraint=models.UniqueConstraint(
                models.F("booking"),
                condition=models.Q(("decided_at__isnull", True)),
                name="review_one_open_a_booking",
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at__isnull", True), ("decision", "")),
                    models.Q(
                        ("decided_at__isnull", False),
                        ("decision__in", ["keep", "move", "cancel", "fits"]),
                    ),
                    _connector="OR",
                ),
                name="review_decision_has_its_time",
            ),
        ),
        migrations.AddIndex(
            model_name="resource",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["amenities"], name="resource_amenities"
            ),
        ),
        migrations.AddConstraint(
            model_name="resource",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closes_at__isnull", True), ("opens_at__isnull", True)),
                    models.Q(("closes_at__isnull", False), ("opens_at__isnull", False)),
                    _connector="OR",
                ),
                name="resource_own_hours_are_a_pair",
            ),
        ),
        migrations.AddConstraint(
            model_name="resource",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("own_slot_length__isnull", True),
                    ("own_slot_length__gte", datetime.timedelta(seconds=60)),
                    _connector="OR",
                ),
                name="resource_slot_length",
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
            constraint=models.UniqueConstraint(
                models.F("user"),
                condition=models.Q(("retired_at__isnull", True)),
                name="resource_one_a_person",
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
        migrations.AddConstraint(
            model_name="primetimewindow",
            constraint=models.UniqueConstraint(
                models.F("venue"), models.F("weekday"), name="primetime_one_a_weekday"
            ),
        ),
        migrations.AddConstraint(
            model_name="primetimewindow",
            constraint=models.CheckConstraint(
                condition=models.Q(("weekday__lte", 6)), name="primetime_weekday"
            ),
        ),
        migrations.AddConstraint(
            model_name="primetimewindow",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ends_at__gt", models.F("starts_at")),
                    ("ends_at", datetime.time(0, 0)),
                    _connector="OR",
                ),
                name="primetime_ends_after_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(fields=("user", "venue"), name="membership_unique"),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["customer", "staff", "admin"])),
                name="membership_role_is_known",
            ),
        ),
        migrations.AddIndex(
            model_name="invitation",
            index=models.Index(models.F("email_key"), name="invitation_by_email"),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.UniqueConstraint(
                fields=("venue", "email_key"), name="invitation_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["customer", "staff", "admin"])),
                name="invitation_role_is_known",
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
            model_name="consenttext",
            constraint=models.UniqueConstraint(
                fields=("venue", "version"), name="consent_text_unique", nulls_distinct=False
            ),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(models.F("venue"), models.F("id"), name="audit_by_venue"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(models.F("user"), models.F("id"), name="audit_by_user"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(models.F("object"), models.F("id"), name="audit_by_object"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=django.contrib.postgres.indexes.BrinIndex(fields=["at"], name="audit_by_time"),
        ),
        migrations.AddConstraint(
            model_name="auditentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["operator", "admin", "staff", "key"])),
                name="audit_kind_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="service",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("buffer_after__gte", datetime.timedelta(0)),
                    ("buffer_before__gte", datetime.timedelta(0)),
                ),
                name="service_buffers",
            ),
        ),
        migrations.AddIndex(
            model_name="series",
            index=models.Index(
                models.F("extends_at"),
                condition=models.Q(("ended_at__isnull", True), ("extends_at__isnull", False)),
                name="series_extends",
            ),
        ),
        migrations.AddConstraint(
            model_name="series",
            constraint=models.CheckConstraint(
                condition=models.Q(("duration__gt", datetime.timedelta(0))),
                name="series_has_length",
            ),
        ),
        migrations.AddConstraint(
            model_name="series",
            constraint=models.CheckConstraint(
                condition=models.Q(("on_conflict__in", ["refuse", "skip", "nearest"])),
                name="series_on_conflict_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="series",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("resource__isnull", False), ("service__isnull", False), _connector="OR"
                ),
                name="series_of_something",
            ),
        ),
        migrations.AddConstraint(
            model_name="series",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", True), ("ended_because", "")),
                    models.Q(
                        ("ended_at__isnull", False),
                        ("ended_because__in", ["cancelled", "no_shows"]),
                    ),
                    _connector="OR",
                ),
                name="series_ended_because",
            ),
        ),
        migrations.AddConstraint(
            model_name="need",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gte", 1)), name="need_quantity"
            ),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(models.F("owner"), models.F("starts_at"), name="booking_by_owner"),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(
                models.F("guest_key"),
                condition=models.Q(("owner__isnull", True)),
                name="booking_by_guest",
            ),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(models.F("venue"), models.F("starts_at"), name="booking_by_venue"),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(
                models.F("resource"), models.F("starts_at"), name="booking_by_resource"
            ),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(models.F("starts_at"), models.F("id"), name="booking_by_start"),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(
                models.F("service"),
                condition=models.Q(("service__isnull", False)),
                name="booking_by_service",
            ),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(
                models.F("series"),
                models.F("recurrence_id"),
                condition=models.Q(("series__isnull", False)),
                name="booking_by_series",
            ),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(
                models.F("approved_by"),
                condition=models.Q(("approved_by__isnull", False)),
                name="booking_by_approver",
            ),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(
                models.F("resource"),
                models.F("starts_at"),
                condition=models.Q(
                    django.db.models.lookups.GreaterThan(
                        django.db.models.expressions.CombinedExpression(
                            models.F("ends_at"), "-", models.F("starts_at")
                        ),
                        datetime.timedelta(days=1),
                    )
                ),
                name="booking_long",
            ),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(
                models.F("remind_at"),
                condition=models.Q(("remind_at__isnull", False), ("status", "confirmed")),
                name="booking_remind",
            ),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(
                models.F("hold_expires_at"),
                condition=models.Q(("status__in", ("held",))),
                name="booking_expire",
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
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(
                models.F("lapses_at"),
                condition=models.Q(("status__in", ("pending",))),
                name="booking_lapse",
            ),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(
                models.F("no_show_at"),
                condition=models.Q(("status__in", ("confirmed",))),
                name="booking_release",
            ),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(
                models.F("completes_at"),
                condition=models.Q(
                    ("status__in", ("confirmed", "checked_in")), ("no_show_at__isnull", True)
                ),
                name="booking_complete",
            ),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gte", 1)), name="booking_quantity"
            ),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("recurrence_id__isnull", True), ("series__isnull", True)),
                    models.Q(("recurrence_id__isnull", False), ("series__isnull", False)),
                    _connector="OR",
                ),
                name="booking_of_series",
            ),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("guest_email", ""),
                        ("guest_key", ""),
                        ("guest_name", ""),
                        ("owner__isnull", False),
                    ),
                    models.Q(
                        ("owner__isnull", True),
                        models.Q(("guest_email", ""), _negated=True),
                        models.Q(("guest_key", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="booking_owner_or_guest",
            ),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                name="booking_ends_after_start",
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
                    (
                        "payment_status__in",
                        [
                            "none",
                            "pending",
                            "processing",
                            "succeeded",
                            "failed",
                            "partly_refunded",
                            "refunded",
                        ],
                    )
                ),
                name="booking_payment_status_is_known",
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
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "held"), _negated=True),
                    ("hold_expires_at__isnull", False),
                    _connector="OR",
                ),
                name="booking_held_has_hold_expires_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "pending"), _negated=True),
                    ("lapses_at__isnull", False),
                    _connector="OR",
                ),
                name="booking_pending_has_lapses_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "confirmed"), _negated=True),
                    ("completes_at__isnull", False),
                    _connector="OR",
                ),
                name="booking_confirmed_has_completes_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "checked_in"), _negated=True),
                    ("completes_at__isnull", False),
                    _connector="OR",
                ),
                name="booking_checked_in_has_completes_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "checked_in"), _negated=True),
                    ("checked_in_at__isnull", False),
                    _connector="OR",
                ),
                name="booking_checked_in_has_checked_in_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="serviceduration",
            constraint=models.UniqueConstraint(
                models.F("service"), models.F("duration"), name="service_duration_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="serviceduration",
            constraint=models.CheckConstraint(
                condition=models.Q(("duration__gte", datetime.timedelta(seconds=60))),
                name="service_duration_is_sane",
            ),
        ),
        migrations.AddIndex(
            model_name="trade",
            index=models.Index(
                models.F("lapses_at"), condition=models.Q(("status", "offered")), name="trade_lapse"
            ),
        ),
        migrations.AddIndex(
            model_name="trade",
            index=models.Index(
                models.F("requester_booking"),
                condition=models.Q(("status", "offered")),
                name="trade_requester_booking",
            ),
        ),
        migrations.AddIndex(
            model_name="trade",
            index=models.Index(
                models.F("target_booking"),
                condition=models.Q(("status", "offered")),
                name="trade_target_booking",
            ),
        ),
        migrations.AddConstraint(
            model_name="trade",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["offered", "accepted", "rejected", "withdrawn", "lapsed"])
                ),
                name="trade_status_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="trade",
            constraint=models.CheckConstraint(
                condition=models.Q(("requester", models.F("target")), _negated=True),
                name="trade_has_two_people",
            ),
        ),
        migrations.AddConstraint(
            model_name="trade",
            constraint=models.UniqueConstraint(
                models.F("requester_booking"),
                models.F("target_booking"),
                condition=models.Q(("status", "offered")),
                name="trade_offered_once",
            ),
        ),
        migrations.AddIndex(
            model_name="usersession",
            index=models.Index(models.F("expires_at"), name="user_session_by_expiry"),
        ),
        migrations.AddConstraint(
            model_name="usersession",
            constraint=models.UniqueConstraint(fields=("key",), name="user_session_key_unique"),
        ),
        migrations.AddConstraint(
            model_name="usersession",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ("browser", "tokens"))),
                name="user_session_kind_known",
            ),
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
            index=models.Index(models.F("updated_at"), name="waitlist_by_change"),
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
        migrations.RunSQL((SQL / "allocations.sql").read_text()),
        migrations.RunSQL((SQL / "audit.sql").read_text()),
        migrations.RunSQL((SQL / "rollup_marks.sql").read_text()),
        migrations.RunSQL((SQL / "rules_review.sql").read_text()),
        migrations.RunSQL((SQL / "rules_version.sql").read_text()),
        migrations.RunSQL((SQL / "waitlist.sql").read_text()),
    ]
