"""The wiring: which signal is received by what, in order."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "api"
    verbose_name = "Holdfast"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.db.models.signals import post_save

        from api import receivers, signals
        from api.models import User

        for signal, reactions in (
            (
                signals.booking_inserting,
                (
                    receivers.write_membership,
                    receivers.write_created_event,
                    receivers.write_created_emails,
                ),
            ),
            (
                signals.booking_created,
                (
                    receivers.enqueue_deliveries,
                    receivers.refresh_rooms,
                ),
            ),
            (
                signals.transition_writing,
                (
                    receivers.write_transition_event,
                    receivers.write_transition_emails,
                ),
            ),
            (
                signals.transitioned,
                (
                    receivers.email_traders,
                    receivers.review_return,
                    receivers.review_crowded,
                    receivers.let_trades_lapse,
                    receivers.close_payments,
                    receivers.enqueue_deliveries,
                    receivers.refresh_rooms,
                ),
            ),
            (
                signals.booking_changed,
                (
                    receivers.record_change,
                    receivers.email_change,
                    receivers.review_change,
                    receivers.review_crowded,
                    receivers.let_trades_lapse,
                    receivers.cancel_outdated_intents,
                    receivers.enqueue_deliveries,
                    receivers.refresh_rooms,
                ),
            ),
            (signals.slots_freed, (receivers.offer_slots,)),
            (signals.trade_offered, (receivers.email_offer, receivers.enqueue_deliveries)),
            (signals.reviews_opened, (receivers.enqueue_deliveries,)),
            (signals.resource_changed, (receivers.refresh_resources,)),
            (signals.stripe_event_received, (receivers.enqueue_stripe_events,)),
            (post_save, (receivers.create_profile,)),
        ):
            for reaction in reactions:
                sender = User if signal is post_save else None
                signal.connect(reaction, sender=sender, dispatch_uid=reaction.__name__)
