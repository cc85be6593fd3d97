"""Pools and services, rates, people as resources, blocks by a rule."""

import datetime
from pathlib import Path
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


SQL = Path(__file__).with_name("sql")


class Migration(migrations.Migration):

    dependencies = [
        ('api', '0001_release_two'),
    ]

    operations = [
        migrations.CreateModel(
            name='Need',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('quantity', models.PositiveIntegerField(db_default=1, default=1)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Pool',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200)),
                ('retired_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Service',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200)),
                ('description', models.TextField(blank=True)),
                ('buffer_before', models.DurationField(db_default=datetime.timedelta(0), default=datetime.timedelta(0), help_text="Or the resource's, if longer")),
                ('buffer_after', models.DurationField(db_default=datetime.timedelta(0), default=datetime.timedelta(0))),
                ('retired_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='ServiceDuration',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('duration', models.DurationField()),
                ('price_minor', models.PositiveBigIntegerField(default=0, help_text="In minor units of the venue's currency")),
            ],
            options={
                'ordering': ['duration'],
            },
        ),
        migrations.RemoveConstraint(
            model_name='venue',
            name='venue_durations_are_sane',
        ),
        migrations.AddField(
            model_name='block',
            name='repeats',
            field=django.contrib.postgres.fields.ArrayField(base_field=django.contrib.postgres.fields.ranges.DateTimeRangeField(), db_default=[], default=list, help_text='The later ones of its rule', size=None),
        ),
        migrations.AddField(
            model_name='block',
            name='rule',
            field=models.CharField(blank=True, help_text="When it comes again (RFC 5545)", max_length=200),
        ),
        migrations.AddField(
            model_name='resource',
            name='rates',
            field=models.JSONField(blank=True, db_default=[], default=list, editable=False, help_text='Prices of slots by weekday, hours and dates; the first that fits decides'),
        ),
        migrations.AddField(
            model_name='resource',
            name='user',
            field=models.ForeignKey(blank=True, db_index=False, help_text='Who it is, where a person is what is booked', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='resources', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='venue',
            name='slot_step',
            field=models.DurationField(db_default=datetime.timedelta(seconds=900), default=datetime.timedelta(seconds=900), help_text='Between the starts of a service, from each opening'),
        ),
        migrations.AddConstraint(
            model_name='resource',
            constraint=models.UniqueConstraint(models.F('user'), condition=models.Q(('retired_at__isnull', True)), name='resource_one_a_person'),
        ),
        migrations.AddConstraint(
            model_name='venue',
            constraint=models.CheckConstraint(condition=models.Q(('slot_length__gte', datetime.timedelta(seconds=60)), ('slot_step__gte', datetime.timedelta(seconds=60)), ('hold_length__gt', datetime.timedelta(0)), ('guest_hold__gt', datetime.timedelta(0)), ('no_show_grace__gte', datetime.timedelta(0)), ('completion_after__gte', datetime.timedelta(0)), ('check_in_opens_before__gte', datetime.timedelta(0)), ('check_in_closes_after__gte', datetime.timedelta(0)), ('refund_until__gte', datetime.timedelta(0))), name='venue_durations_are_sane'),
        ),
        migrations.AddField(
            model_name='pool',
            name='resources',
            field=models.ManyToManyField(related_name='pools', to='api.resource'),
        ),
        migrations.AddField(
            model_name='pool',
            name='venue',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='pools', to='api.venue'),
        ),
        migrations.AddField(
            model_name='need',
            name='pool',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='needs', to='api.pool'),
        ),
        migrations.AddField(
            model_name='service',
            name='venue',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='services', to='api.venue'),
        ),
        migrations.AddField(
            model_name='need',
            name='service',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='needs', to='api.service'),
        ),
        migrations.AddField(
            model_name='booking',
            name='service',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='api.service'),
        ),
        migrations.AddIndex(
            model_name='booking',
            index=models.Index(models.F('service'), condition=models.Q(('service__isnull', False)), name='booking_by_service'),
        ),
        migrations.AddField(
            model_name='serviceduration',
            name='service',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='durations', to='api.service'),
        ),
        migrations.AddConstraint(
            model_name='service',
            constraint=models.CheckConstraint(condition=models.Q(('buffer_after__gte', datetime.timedelta(0)), ('buffer_before__gte', datetime.timedelta(0))), name='service_buffers'),
        ),
        migrations.AddConstraint(
            model_name='need',
            constraint=models.CheckConstraint(condition=models.Q(('quantity__gte', 1)), name='need_quantity'),
        ),
        migrations.AddConstraint(
            model_name='serviceduration',
            constraint=models.UniqueConstraint(models.F('service'), models.F('duration'), name='service_duration_once'),
        ),
        migrations.AddConstraint(
            model_name='serviceduration',
            constraint=models.CheckConstraint(condition=models.Q(('duration__gte', datetime.timedelta(seconds=60))), name='service_duration_is_sane'),
        ),
        migrations.RunSQL((SQL / "services.sql").read_text()),
    ]
