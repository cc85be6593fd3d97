"""The audit log and API keys."""

from pathlib import Path

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

SQL = Path(__file__).with_name("sql")


class Migration(migrations.Migration):

    dependencies = [
        ('api', '0002_members'),
        ('django_celery_beat', '0019_alter_periodictasks_options'),  # whose table is audited
    ]

    operations = [
        migrations.CreateModel(
            name='ApiKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120)),
                ('prefix', models.CharField(help_text='How its secret begins', max_length=16)),
                ('secret_hash', models.CharField(max_length=64, unique=True)),
                ('venue_ids', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), help_text='Ids of venues, which are never deleted', size=None)),
                ('scopes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('read', 'Reads what staff read'), ('book', 'Makes and answers for bookings'), ('manage', 'Changes what staff change')], max_length=6), size=None)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('last_used_at', models.DateTimeField(blank=True, null=True)),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'API key',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('kind', models.CharField(choices=[('operator', 'Operator'), ('admin', 'Admin'), ('staff', 'Staff'), ('key', 'API key')], max_length=8)),
                ('action', models.CharField(max_length=20)),
                ('object', models.CharField(help_text='As booking:12', max_length=200)),
                ('before', models.JSONField(null=True)),
                ('after', models.JSONField(null=True)),
                ('request_id', models.CharField(blank=True, max_length=64)),
                ('salt', models.UUIDField(help_text='Hides what is erased from who tries out its hash', null=True)),
                ('content_digest', models.BinaryField(default=b'', help_text='Of salt, before and after')),
                ('digest', models.BinaryField(default=b'', help_text='Of all the rest')),
                ('key', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='api.apikey')),
                ('user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('venue', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='api.venue')),
            ],
            options={
                'verbose_name_plural': 'audit entries',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='AuditSeal',
            fields=[
                ('position', models.BigIntegerField(primary_key=True, serialize=False)),
                ('hash', models.BinaryField()),
                ('sealed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), db_index=True)),
                ('entry', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='seal', to='api.auditentry')),
            ],
            options={
                'ordering': ['position'],
            },
        ),
        migrations.AddConstraint(
            model_name='apikey',
            constraint=models.CheckConstraint(condition=models.Q(('scopes__contained_by', ['read', 'book', 'manage']), ('scopes__len__gt', 0)), name='key_scopes_are_known'),
        ),
        migrations.AddConstraint(
            model_name='apikey',
            constraint=models.CheckConstraint(condition=models.Q(('venue_ids__len__gt', 0)), name='key_has_a_venue'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(models.F('venue'), models.F('id'), name='audit_by_venue'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(models.F('user'), models.F('id'), name='audit_by_user'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(models.F('object'), models.F('id'), name='audit_by_object'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=django.contrib.postgres.indexes.BrinIndex(fields=['at'], name='audit_by_time'),
        ),
        migrations.AddConstraint(
            model_name='auditentry',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['operator', 'admin', 'staff', 'key'])), name='audit_kind_is_known'),
        ),
        migrations.AlterField(
            model_name='bookingevent',
            name='actor_name',
            field=models.CharField(blank=True, help_text='The job, panel or key', max_length=120),
        ),
        migrations.RunSQL((SQL / "audit.sql").read_text()),
    ]
