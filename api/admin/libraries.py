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
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

# people have a role, jobs an interval
for needless in (Group, CrontabSchedule, SolarSchedule, ClockedSchedule):
    admin.site.unregister(needless)

admin.site.unregister((PeriodicTask, IntervalSchedule))


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


# rest_framework_simplejwt's and the one of DRF: looked at when somebody cannot sign in
for model in [
    m for m in admin.site._registry if m._meta.app_label in ("token_blacklist", "authtoken")
]:
    kind: Any = type(admin.site._registry[model])
    admin.site.unregister(model)
    admin.site.register(model, type(kind.__name__, (kind, ModelAdmin), {}))
