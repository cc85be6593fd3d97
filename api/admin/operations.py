"""Rows that operators look at: outbox, jobs, payments, panels, idempotency keys."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest

from api import money
from api.models import (
    ApiKey,
    AuditEntry,
    Delivery,
    Dispute,
    IdempotencyKey,
    Job,
    JobFailure,
    Panel,
    Payment,
    Refund,
    StripeEvent,
)
from api.services.messages import outbox

from .base import ReadOnlyAdmin


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = (
        *("id", "name", "kind", "to", "state", "attempts", "due_at", "finished_at"),
        "last_error",
    )
    list_filter = ("state", "kind", "name")
    search_fields = ("to", "key", "booking__id")
    show_full_result_count = False
    actions = ("send_again",)

    @admin.action(description="Try parked ones again", permissions=["view"])
    def send_again(self, request: HttpRequest, rows: QuerySet[Delivery]) -> None:
        many = outbox.retry(rows.values_list("pk", flat=True))
        self.message_user(request, f"{many} will be tried again now.", messages.SUCCESS)


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ("name", "finished_at", "duration", "count", "runs", "failed_runs", "last_error")


@admin.register(JobFailure)
class JobFailureAdmin(ReadOnlyAdmin):
    list_display = ("job", "row", "attempts", "last_at", "retry_at", "error")
    list_filter = ("job",)
    actions = ("retry_now",)

    @admin.action(description="Try again now", permissions=["view"])
    def retry_now(self, request: HttpRequest, rows: QuerySet[JobFailure]) -> None:
        rows.update(retry_at=Now())
        self.message_user(request, "They are tried again by the next run.", messages.SUCCESS)


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    exclude = ("client_secret", "checkout_url", "amount_minor", "currency")
    readonly_fields = ("amount",)
    list_display = ("intent_id", "booking_id", "amount", "status", "updated_at")
    list_filter = ("status",)
    search_fields = ("intent_id", "booking__id")

    @admin.display(description="amount", ordering="amount_minor")
    def amount(self, payment: Payment) -> str:
        return money.format_amount(payment.amount_minor, payment.currency)


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = ("key", "payment", "amount", "status", "updated_at")
    list_filter = ("status",)
    list_select_related = ("payment",)
    exclude = ("amount_minor", "up_to_minor")
    readonly_fields = ("amount",)

    @admin.display(description="amount", ordering="amount_minor")
    def amount(self, refund: Refund) -> str:
        return money.format_amount(refund.amount_minor, refund.payment.currency)


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    list_display = ("stripe_id", "payment", "amount", "reason", "status", "updated_at")
    list_filter = ("status", "reason")
    search_fields = ("stripe_id", "payment__intent_id", "payment__booking__id")
    list_select_related = ("payment",)
    exclude = ("amount_minor",)
    readonly_fields = ("amount",)

    @admin.display(description="amount", ordering="amount_minor")
    def amount(self, dispute: Dispute) -> str:
        return money.format_amount(dispute.amount_minor, dispute.payment.currency)


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    list_display = ("event_id", "type", "intent_id", "state", "attempts", "received_at")
    list_filter = ("state", "type")
    search_fields = ("event_id", "intent_id")


@admin.register(Panel)
class PanelAdmin(ReadOnlyAdmin):
    list_display = ("name", "resource", "paired_at", "last_seen_at", "revoked_at")
    exclude = ("token_hash", "code_hash")


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    exclude = ("body", "fingerprint")  # the response belongs to its caller
    list_display = ("scope", "key", "status", "created_at")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    exclude = ("salt", "content_digest", "digest")
    list_display = ("at", "venue", "kind", "user", "key", "action", "object", "request_id")
    list_filter = ("kind", "action", "venue")
    list_select_related = ("venue", "user", "key")
    search_fields = ("=object", "=request_id")
    show_full_result_count = False


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    exclude = ("secret_hash",)
    list_display = ("name", "prefix", "scopes", "expires_at", "last_used_at", "revoked_at")
