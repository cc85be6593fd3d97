"""What libraries bring into the admin, in its looks, less what Holdfast has other ways for."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django_celery_beat.admin import PeriodicTaskAdmin, PeriodicTaskForm
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from rest_framework.authtoken.models import TokenProxy
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

# people have a role, jobs an interval, and what opens an account is nobody's to look at
NEEDLESS = (Group, CrontabSchedule, SolarSchedule, ClockedSchedule)
TOKENS = (TokenProxy, BlacklistedToken, OutstandingToken)
for model in (*NEEDLESS, *TOKENS, PeriodicTask, IntervalSchedule):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class TaskForm(PeriodicTaskForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = UnfoldAdminSelectWidget(
            choices=self.fields["regtask"].widget.choices
        )


@admin.register(PeriodicTask)
class PeriodicTasks(PeriodicTaskAdmin, ModelAdmin):
    form = TaskForm


@admin.register(IntervalSchedule)
class Intervals(ModelAdmin):
    pass
