"""Roles in venues instead of one for the whole instance: whoever was staff is staff of the venues
that there are, and whoever booked is a customer there."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


_MEMBERS = """
INSERT INTO api_membership (user_id, venue_id, role)
SELECT u.id, v.id, u.role FROM api_user u CROSS JOIN api_venue v WHERE u.role IN ('staff', 'admin');
INSERT INTO api_membership (user_id, venue_id, role)
SELECT DISTINCT owner_id, venue_id, 'customer' FROM api_booking
ON CONFLICT (user_id, venue_id) DO NOTHING
"""


class Migration(migrations.Migration):

    dependencies = [
        ('api', '0001_release_two'),
    ]

    operations = [
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.EmailField(max_length=254)),
                ('email_key', models.CharField(editable=False, max_length=254)),
                ('role', models.CharField(choices=[('customer', 'Customer'), ('staff', 'Staff'), ('admin', 'Admin')], default='customer', max_length=8)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('customer', 'Customer'), ('staff', 'Staff'), ('admin', 'Admin')], default='customer', max_length=8)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.AddField(
            model_name='venue',
            name='joining',
            field=models.CharField(choices=[('open', 'Whoever books becomes a customer'), ('invited', 'Only its members book')], db_default='open', default='open', max_length=8),
        ),
        migrations.AddConstraint(
            model_name='venue',
            constraint=models.CheckConstraint(condition=models.Q(('joining__in', ['open', 'invited'])), name='venue_joining_is_known'),
        ),
        migrations.AddField(
            model_name='invitation',
            name='invited_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='invitation',
            name='venue',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to='api.venue'),
        ),
        migrations.AddField(
            model_name='membership',
            name='user',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='membership',
            name='venue',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='api.venue'),
        ),
        migrations.AddIndex(
            model_name='invitation',
            index=models.Index(models.F('email_key'), name='invitation_by_email'),
        ),
        migrations.AddConstraint(
            model_name='invitation',
            constraint=models.UniqueConstraint(fields=('venue', 'email_key'), name='invitation_unique'),
        ),
        migrations.AddConstraint(
            model_name='invitation',
            constraint=models.CheckConstraint(condition=models.Q(('role__in', ['customer', 'staff', 'admin'])), name='invitation_role_is_known'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.UniqueConstraint(fields=('user', 'venue'), name='membership_unique'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.CheckConstraint(condition=models.Q(('role__in', ['customer', 'staff', 'admin'])), name='membership_role_is_known'),
        ),
        migrations.AddField(
            model_name="export",
            name="venues",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(),
                null=True,
                size=None,
                help_text="Ids of whose figures they are; null: all",
            ),
        ),
        migrations.RunSQL(_MEMBERS),
        migrations.RemoveConstraint(
            model_name='user',
            name='user_role_is_known',
        ),
        migrations.RemoveField(
            model_name='user',
            name='role',
        ),
    ]
