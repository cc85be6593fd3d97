"""Blocks: times at which staff keep a resource from being booked, made and lifted by the services
alone, here and on the board."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldBooleanSwitchWidget

from api import errors
from api.models import Allocation, Block, Resource, User
from api.queries.venues.rules import get_resource
from api.services.actors import Actor
from api.services.venues import blocks

from .base import EditableAdmin, OwnVenueFilter, ReadOnlyAdmin
from .reviews import warn_of_affected
from .zones import find_zone, format_span

FIELDS = ("resource", "starts_at", "ends_at", "reason")
MOST_WEEKS = 260


class BlockForm(forms.ModelForm[Block]):
    """Cleaning the form calls the service, so that a refusal is shown beside the fields."""

    user: User  # set by who shows the form
    weeks = forms.IntegerField(
        label="Every week, so many times",
        min_value=1,
        max_value=MOST_WEEKS,
        initial=1,
        help_text="1: only this once.",
        widget=UnfoldAdminIntegerFieldWidget(),
    )
    force = forms.BooleanField(
        label="Over bookings too",
        required=False,
        help_text="The bookings stay until somebody decides about them on the first page.",
        widget=UnfoldBooleanSwitchWidget(),
    )

    class Meta:
        model = Block
        fields = FIELDS

    def clean(self) -> dict[str, Any]:
        values = dict(super().clean() or {})
        if self.errors:
            return values
        try:
            self.instance = self._create(values)
        except errors.SlotTaken as refusal:
            ids = ", ".join(str(row.pk) for row in refusal.conflicts)
            raise forms.ValidationError(
                f"Bookings are in the way: {ids}. Block it over them, or move them first."
            ) from None
        except errors.Refusal as refusal:
            raise forms.ValidationError(refusal.detail, code=refusal.code) from None
        return values

    def _create(self, values: dict[str, Any]) -> Block:
        resource = get_resource(values["resource"].pk)
        weeks = values.pop("weeks")
        return blocks.create_block(
            resource,
            Actor.in_venue(self.user, resource.venue_id),
            starts_at=values["starts_at"],
            ends_at=values["ends_at"],
            reason=values["reason"],
            rule=f"FREQ=WEEKLY;COUNT={weeks}" if weeks > 1 else "",
            force=values["force"],
        )

    def _post_clean(self) -> None:
        """Skip the model's validation: the row is written already."""


@admin.register(Block)
class BlockAdmin(EditableAdmin):
    form = BlockForm
    list_display = ("resource", "when", "again", "reason", "created_by")
    list_filter = (("resource__venue", OwnVenueFilter),)
    list_select_related = ("resource__venue", "created_by")
    readonly_fields = ("when", "again", "created_by", "created_at")

    def get_fields(self, request: HttpRequest, obj: Block | None = None) -> Any:
        if obj is None:
            return (*FIELDS, "weeks", "force")
        return ("resource", "when", "again", "reason", "created_by", "created_at")

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        return type("Form", (form,), {"user": request.user})

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """In the time of the resource's venue."""
        with timezone.override(find_zone(request.POST.get("resource", ""), "resources")):
            response: HttpResponse = super().changeform_view(request, object_id, *args, **kwargs)
            return response.render() if isinstance(response, TemplateResponse) else response

    def has_change_permission(self, request: HttpRequest, obj: Block | None = None) -> bool:
        return False

    @admin.display(description="When, there", ordering="starts_at")
    def when(self, block: Block) -> str:
        return format_span(block.starts_at, block.ends_at, block.resource.venue.zone)

    @admin.display(description="Again")
    def again(self, block: Block) -> str:
        if not block.repeats:
            return ""
        last = block.last_ends_at.astimezone(block.resource.venue.zone)
        return f"{len(block.repeats)} times more, the last on {format_date(last, 'j M Y')}"

    def save_model(self, request: HttpRequest, obj: Block, form: Any, change: bool) -> None:
        """The service has written it."""
        warn_of_affected(request, obj.affected)

    def delete_model(self, request: HttpRequest, obj: Block) -> None:
        blocks.delete_block(obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for block in queryset.order_by("pk"):
            blocks.delete_block(block)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        return [str(obj) for obj in objs], {}, set(), []


@admin.register(Allocation)
class AllocationAdmin(ReadOnlyAdmin):
    list_display = ("resource", "unit", "span", "blocking", "kind", "booking", "block")
    list_filter = ("kind", "blocking")
    list_select_related = ("resource", "booking", "block")
    show_full_result_count = False


# on the board


@require_POST
def add_block(request: HttpRequest, slug: str) -> HttpResponse:
    """Block a resource of the venue, in its time, and go back to the board."""
    if not request.user.has_perm("api.add_block"):
        raise PermissionDenied
    rows = admin.site.get_model_admin(Resource).get_queryset(request)
    places = rows.filter(venue__slug=slug, retired_at=None).select_related("venue")
    chosen = request.POST.get("resource", "")
    place = next((row for row in places if str(row.pk) == chosen), None)
    if place is None:
        raise Http404
    form_class = type("Form", (BlockForm,), {"user": request.user})
    with timezone.override(place.venue.zone), transaction.atomic():
        form = form_class(request.POST)
        form.fields["resource"].queryset = places
        done = form.is_valid()
    if done:
        messages.success(request, f"{place.name} is blocked.")
        warn_of_affected(request, form.instance.affected)
    else:
        messages.error(request, " ".join(_list_errors(form)))
    return _go_back(request, slug)


def _list_errors(form: forms.ModelForm[Block]) -> list[str]:
    return [
        str(text) if name == "__all__" else f"{form.fields[name].label or name}: {text}"
        for name, texts in form.errors.items()
        for text in texts
    ]


@require_POST
def lift_block(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    if not request.user.has_perm("api.delete_block"):
        raise PermissionDenied
    rows = admin.site.get_model_admin(Block).get_queryset(request)
    block = rows.filter(resource__venue__slug=slug, pk=pk).select_related("resource").first()
    if block is None:
        raise Http404
    name = block.resource.name
    blocks.delete_block(block)
    messages.success(request, f"{name} is not blocked any more.")
    return _go_back(request, slug)


def _go_back(request: HttpRequest, slug: str) -> HttpResponse:
    board = request.POST.get("board", "")
    return HttpResponseRedirect(reverse("board", args=[slug]) + board * board.startswith("?"))


def get_urls() -> list[URLPattern]:
    """Return the paths that belong before those of the admin site."""
    view = admin.site.admin_view
    return [
        path("board/<slug:slug>/blocks/", view(add_block), name="board-block"),
        path("board/<slug:slug>/blocks/<int:pk>/lift/", view(lift_block), name="board-lift"),
    ]
