"""Entries of the audit log."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.models import AuditEntry
from api.models.audit import AuditKind

from .base import describe, example

ENTRY = {
    "id": 481,
    "at": "2030-05-01T08:12:30Z",
    "venue": "club",
    "actor": {"id": 3, "name": "Sam Example", "kind": "staff"},
    "action": "cancel",
    "object": "booking:12",
    "before": {"status": "confirmed"},
    "after": {"status": "cancelled"},
    "request_id": "5f0c3e1b9d2a4c7e8f60718293a4b5c6",
}
CONTENT = {"type": ["object", "null"], "additionalProperties": True}


class AuditQuerySerializer(serializers.Serializer[Any]):
    format = serializers.ChoiceField(
        choices=["json", "csv"],
        required=False,
        default="json",
        help_text="`csv`: a file with all entries that the filters leave.",
    )


class AuditActorSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="The id of the person or the key.")
    name = serializers.CharField(help_text="What they are called now; empty once they were erased.")
    kind = serializers.ChoiceField(
        choices=AuditKind.choices, help_text="Who they were at that venue then."
    )


@example(ENTRY)
class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    venue = serializers.CharField(
        source="venue.slug",
        default=None,
        allow_null=True,
        help_text="The slug of the venue; null for what belongs to none.",
    )
    actor = serializers.SerializerMethodField(help_text="Who it was.")
    before = serializers.SerializerMethodField(
        help_text="What changed, as it was; all of a row that was deleted. Null for a new row, for"
        " `read`, and once the person it named was erased."
    )
    after = serializers.SerializerMethodField(
        help_text="What changed, as it is then; all of a row that is new. Null for a deleted row."
    )

    class Meta:
        model = AuditEntry
        fields = [
            "id",
            "at",
            "venue",
            "actor",
            "action",
            "object",
            "before",
            "after",
            "request_id",
        ]
        read_only_fields = fields
        extra_kwargs = describe(
            at="When.",
            action="`create`, `update`, `delete`, `retire`, `revoke`, `erase`, a verb of the"
            " lifecycle; `read` and `export` for looking at people's data.",
            object="What: its kind and its id, or the address of a list.",
            request_id="The `X-Request-ID` of the request; every line of the log has it.",
        )

    @extend_schema_field(AuditActorSerializer)
    def get_actor(self, entry: AuditEntry) -> dict[str, Any]:
        name = entry.key.name if entry.key else ""
        if entry.user and not entry.user.erased_at:
            name = entry.user.name
        return {"id": entry.key_id or entry.user_id, "name": name, "kind": entry.kind}

    @extend_schema_field(CONTENT)
    def get_before(self, entry: AuditEntry) -> Any:
        return entry.before

    @extend_schema_field(CONTENT)
    def get_after(self, entry: AuditEntry) -> Any:
        return entry.after
