"""Texts that people agree to."""

from __future__ import annotations

from rest_framework import serializers

from api.models import ConsentText

from .base import StrictSerializer, describe, example

TEXT = "We keep your bookings for a year."
CONSENT_TEXT = {"id": 3, "version": 2, "text": TEXT, "created_at": "2030-01-02T10:00:00Z"}


@example(CONSENT_TEXT)
class ConsentTextSerializer(serializers.ModelSerializer[ConsentText]):
    class Meta:
        model = ConsentText
        fields = ["id", "version", "text", "created_at"]
        read_only_fields = fields
        extra_kwargs = describe(
            id="What is sent as `consent` by whoever agrees.",
            version="Counted from 1; each version is asked for anew.",
            text="What one agrees to; empty: nothing is asked.",
            created_at="Since when it counts.",
        )


@example(request={"text": TEXT})
class NewConsentTextSerializer(StrictSerializer):
    text = serializers.CharField(
        max_length=20_000,
        allow_blank=True,
        help_text="The next version; empty, and nothing is asked any more.",
    )
