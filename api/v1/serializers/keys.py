"""API keys."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.models import ApiKey, Venue
from api.models.keys import Scope

from .base import StrictSerializer, describe, example
from .fields import InstantField

KEY = {
    "id": 4,
    "name": "Website",
    "prefix": "hfk_Q2hvb3Nl",
    "venues": ["club"],
    "scopes": ["read", "book"],
    "expires_at": "2031-01-01T00:00:00Z",
    "last_used_at": None,
}


@example(request={"name": "Website", "venues": ["club"], "scopes": ["read", "book"]})
class NewKeySerializer(StrictSerializer):
    name = serializers.CharField(max_length=120, help_text="What you call it, and the audit log.")
    venues = serializers.ListField(
        child=serializers.SlugRelatedField(slug_field="slug", queryset=Venue.objects.all()),
        min_length=1,
        max_length=100,
        help_text="Slugs of the venues whose data it opens; you are an admin of each.",
    )
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices),
        min_length=1,
        max_length=len(Scope),
        help_text="What it may do; none of them implies another.",
    )
    expires_at: Any = InstantField(
        required=False,
        allow_null=True,
        help_text="When it ends by itself; null or left out: never.",
    )


@example(KEY)
class KeySerializer(serializers.ModelSerializer[ApiKey]):
    venues = serializers.SerializerMethodField(
        help_text="Slugs of the venues whose data it opens, of those that are yours."
    )
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices), help_text="What it may do."
    )

    class Meta:
        model = ApiKey
        fields = ["id", "name", "prefix", "venues", "scopes", "expires_at", "last_used_at"]
        read_only_fields = fields
        extra_kwargs = describe(
            name="What it is called, here and in the audit log.",
            prefix="How its secret begins.",
            expires_at="When it ends by itself; null: never.",
            last_used_at="When it was used last, to the minute; null if never.",
        )

    def get_venues(self, key: ApiKey) -> list[str]:
        slugs = self.context["slugs"]
        return [slugs[venue_id] for venue_id in key.venue_ids if venue_id in slugs]


@example(KEY | {"secret": "hfk_Q2hvb3NlIGEgbG9uZyBhbmQgcmFuZG9tIHNlY3JldCE"})
class KeyWithSecretSerializer(KeySerializer):
    secret = serializers.CharField(
        read_only=True, help_text="For `Authorization: Bearer …`; shown this once."
    )

    class Meta(KeySerializer.Meta):
        fields = [*KeySerializer.Meta.fields, "secret"]
        read_only_fields = fields
