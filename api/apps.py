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
                    receivers.record_booked,
                    receivers.email_booked,
                ),
            ),
            (
                signals.booking_created,
                (
                    receivers.hurry_deliveries,
                    receivers.refresh_rooms,
                ),
            ),
            (
                signals.transition_writing,
                (
                    receivers.record_transition,
                    receivers.email_transition,
                ),
            ),
            (
                signals.transitioned,
                (
                    receivers.email_traders,
                    receivers.let_trades_lapse,
                    receivers.settle_money,
                    receivers.hurry_deliveries,
                    receivers.refresh_rooms,
                ),
            ),
            (
                signals.booking_changed,
                (
                    receivers.record_change,
                    receivers.email_change,
                    receivers.let_trades_lapse,
                    receivers.settle_price,
                    receivers.hurry_deliveries,
                    receivers.refresh_rooms,
                ),
            ),
            (signals.trade_offered, (receivers.email_offer, receivers.hurry_deliveries)),
            (signals.resource_changed, (receivers.refresh_furnished,)),
            (signals.stripe_event_received, (receivers.hurry_webhooks,)),
            (post_save, (receivers.make_profile,)),
        ):
            for reaction in reactions:
                sender = User if signal is post_save else None
                signal.connect(reaction, sender=sender, dispatch_uid=reaction.__name__)
